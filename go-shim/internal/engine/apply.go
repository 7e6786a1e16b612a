// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"cmp"
	"math"
	"slices"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// overflowAttribute marks the stream that takes in what has no room of its own (rule T5).
const overflowAttribute = "otel.metric.overflow"

// verdicts hands out the answers to a batch in the order in which encode wrote its points.
type verdicts struct {
	points []C.tl_verdict
	// added is sorted by point.
	added []C.tl_added_point
	next  int
}

func newVerdicts(view *C.tl_batch_view) verdicts {
	added := unsafe.Slice((*C.tl_added_point)(unsafe.Pointer(view.added)), int(view.added_count))
	if len(added) > 1 {
		slices.SortStableFunc(added, func(a, b C.tl_added_point) int { return cmp.Compare(a.point, b.point) })
	}
	points := unsafe.Slice((*C.tl_verdict)(unsafe.Pointer(view.verdicts)), int(view.verdict_count))
	return verdicts{points: points, added: added}
}

// apply writes the verdicts into md. What becomes empty by that is removed, and nothing else.
func (v *verdicts) apply(md pmetric.Metrics) {
	md.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		emptied := false
		for _, sm := range rm.ScopeMetrics().All() {
			emptied = v.scope(sm) || emptied
		}
		if emptied {
			rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool { return sm.Metrics().Len() == 0 })
		}
		return emptied && rm.ScopeMetrics().Len() == 0
	})
}

// scope applies the verdicts of one scope and tells whether it has become empty.
func (v *verdicts) scope(sm pmetric.ScopeMetrics) bool {
	metrics := sm.Metrics()
	emptied := false
	for i := range metrics.Len() {
		if metric := metrics.At(i); isDeltaSum(metric) {
			emptied = v.sum(metric.Sum()) || emptied
		}
	}
	if emptied {
		metrics.RemoveIf(func(metric pmetric.Metric) bool {
			// All sums with delta temporality have been turned; only an emptied one has no points.
			return metric.Type() == pmetric.MetricTypeSum && metric.Sum().DataPoints().Len() == 0
		})
	}
	return emptied && metrics.Len() == 0
}

// sum applies the verdicts of one metric and tells whether no point is left.
func (v *verdicts) sum(sum pmetric.Sum) bool {
	points := sum.DataPoints()
	count := points.Len()
	mine := v.points[v.next : v.next+count]
	dropped := 0
	for i := range count {
		if mine[i].action == C.TL_ACTION_DROP {
			dropped++
			continue
		}
		write(points.At(i), &mine[i])
	}
	grown := v.add(points, count)
	v.next += count
	if dropped > 0 {
		i := -1
		points.RemoveIf(func(pmetric.NumberDataPoint) bool {
			i++
			return i < count && mine[i].action == C.TL_ACTION_DROP
		})
	}
	if grown {
		points.Sort(func(a, b pmetric.NumberDataPoint) bool { return a.Timestamp() < b.Timestamp() })
	}
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return points.Len() == 0
}

// add appends the points that stand beside points of this metric and tells whether there were any.
func (v *verdicts) add(points pmetric.NumberDataPointSlice, count int) bool {
	end := C.uint32_t(v.next + count)
	grown := false
	for len(v.added) > 0 && v.added[0].point < end {
		added := v.added[0]
		v.added = v.added[1:]
		point := points.AppendEmpty()
		if added.overflow != 0 {
			point.Attributes().PutBool(overflowAttribute, true)
		} else {
			points.At(int(added.point) - v.next).Attributes().CopyTo(point.Attributes())
		}
		setTimes(point, added.start_unix_nano, added.time_unix_nano)
		setValue(point, added.is_double, 0)
		grown = true
	}
	return grown
}

func write(point pmetric.NumberDataPoint, verdict *C.tl_verdict) {
	setTimes(point, verdict.start_unix_nano, verdict.time_unix_nano)
	setValue(point, verdict.is_double, verdict.value_bits)
	switch verdict.action {
	case C.TL_ACTION_WRITE_ZERO:
		// The exemplars belong to the value that is held back (D10).
		point.Exemplars().RemoveIf(func(pmetric.Exemplar) bool { return true })
	case C.TL_ACTION_WRITE_OVERFLOW:
		point.Attributes().Clear()
		point.Attributes().PutBool(overflowAttribute, true)
	}
}

func setTimes(point pmetric.NumberDataPoint, start, time C.uint64_t) {
	point.SetStartTimestamp(pcommon.Timestamp(start))
	point.SetTimestamp(pcommon.Timestamp(time))
}

func setValue(point pmetric.NumberDataPoint, isDouble C.uint8_t, bits C.uint64_t) {
	if isDouble != 0 {
		point.SetDoubleValue(math.Float64frombits(uint64(bits)))
	} else {
		point.SetIntValue(int64(bits))
	}
}
