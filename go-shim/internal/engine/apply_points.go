// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// overflowAttribute marks the stream that takes in what has no room of its own (rule T5).
const overflowAttribute = "otel.metric.overflow"

// dataPoint is what points of all kinds have in common, and dataPoints what their slices have.
//
// Only what is rare goes through them: a call through a type parameter costs as much as what it does, and
// what is given to it may have to live on the heap. So each kind has a loop of its own over its points.
type dataPoint interface {
	Attributes() pcommon.Map
	Timestamp() pcommon.Timestamp
	SetTimestamp(pcommon.Timestamp)
	SetStartTimestamp(pcommon.Timestamp)
}

type dataPoints[P dataPoint] interface {
	Len() int
	At(int) P
	AppendEmpty() P
	Sort(func(a, b P) bool)
}

// addZeros appends the zero points that stand beside points of a metric (D6), with the attributes that
// those have by now, and tells whether there were any. first is the number of the metric's first point;
// zero makes a new point the zero that stands beside another.
func addZeros[P dataPoint, S dataPoints[P]](a *answers, points S, first int, zero func(point, beside P, added *addedPoint)) bool {
	end := C.uint32_t(first + points.Len())
	grown := false
	for len(a.added) > 0 && a.added[0].point < end {
		added := &a.added[0]
		a.added = a.added[1:]
		point := points.AppendEmpty()
		beside := points.At(int(added.point) - first)
		if added.overflow != 0 {
			setOverflow(point.Attributes())
		} else {
			beside.Attributes().CopyTo(point.Attributes())
		}
		point.SetStartTimestamp(pcommon.Timestamp(added.start_unix_nano))
		point.SetTimestamp(pcommon.Timestamp(added.time_unix_nano))
		zero(point, beside, added)
		grown = true
	}
	return grown
}

// sortByTime puts points that were added where they belong.
func sortByTime[P dataPoint, S dataPoints[P]](points S) {
	points.Sort(func(a, b P) bool { return a.Timestamp() < b.Timestamp() })
}

// dropping walks over the verdicts of a metric once more, for RemoveIf. Behind the points with a verdict
// stand added ones, which stay.
type dropping struct {
	verdicts []verdict
	next     int
}

func (d *dropping) answer() bool {
	number := d.next
	d.next++
	return number < len(d.verdicts) && d.verdicts[number].action == actionDrop
}

func setOverflow(attributes pcommon.Map) {
	attributes.Clear()
	attributes.PutBool(overflowAttribute, true)
}

// clearExemplars removes all: they belong to a value that is held back (D10).
func clearExemplars(exemplars pmetric.ExemplarSlice) {
	exemplars.RemoveIf(func(pmetric.Exemplar) bool { return true })
}
