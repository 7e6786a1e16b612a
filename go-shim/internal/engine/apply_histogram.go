// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"math"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// histograms applies the answers to the points of a histogram and tells whether that emptied it.
func (a *answers) histograms(metric string, points pmetric.HistogramDataPointSlice) bool {
	first, verdicts := a.take(points.Len())
	dropped := 0
	for i := range verdicts {
		answer := &verdicts[i]
		point := points.At(i)
		if isEdited(answer) {
			a.editPoint(first+i, point.Attributes(), answer)
		}
		if answer.action == actionDrop {
			dropped++
			continue
		}
		a.writeHistogram(point, answer)
		if a.exemplars != nil {
			a.editExemplars(metric, point.Exemplars())
		}
	}
	grown := addZeros(a, points, first, zeroHistogram)
	if dropped > 0 {
		next := dropping{verdicts: verdicts}
		points.RemoveIf(func(pmetric.HistogramDataPoint) bool { return next.answer() })
	}
	if grown {
		sortByTime(points)
	}
	return len(verdicts) > 0 && points.Len() == 0
}

func (a *answers) writeHistogram(point pmetric.HistogramDataPoint, answer *verdict) {
	if answer.action == actionKeep {
		return
	}
	point.SetStartTimestamp(pcommon.Timestamp(answer.start_unix_nano))
	point.SetTimestamp(pcommon.Timestamp(answer.time_unix_nano))
	if answer.action == actionWriteZero {
		clearHistogram(point)
		clearExemplars(point.Exemplars())
		return
	}
	setHistogram(point, a.words[answer.value_bits:])
	if answer.action == actionWriteOverflow {
		setOverflow(point.Attributes())
	}
}

// setHistogram writes a histogram's words into a point; where the lengths agree, nothing is allocated.
func setHistogram(point pmetric.HistogramDataPoint, words []uint64) {
	setCommon(point, words)
	bounds, buckets := int(lowHalf(words[wordLengths])), highHalf(words[wordLengths])
	rest := words[wordsExplicit : wordsExplicit+bounds+buckets]
	point.ExplicitBounds().FromRaw(asDoubles(rest[:bounds]))
	point.BucketCounts().FromRaw(rest[bounds:])
}

// zeroHistogram makes point the zero with the bounds of another, so that a reader sees the same buckets.
func zeroHistogram(point, beside pmetric.HistogramDataPoint, _ *addedPoint) {
	beside.ExplicitBounds().CopyTo(point.ExplicitBounds())
	beside.BucketCounts().CopyTo(point.BucketCounts())
	if beside.HasSum() {
		point.SetSum(0)
	}
	clearHistogram(point)
}

// clearHistogram makes a histogram empty and keeps its bounds.
func clearHistogram(point pmetric.HistogramDataPoint) {
	clearCommon(point)
	counts := point.BucketCounts()
	for i := range counts.Len() {
		counts.SetAt(i, 0)
	}
}

// distribution is what points of both kinds of histogram have in common.
type distribution interface {
	SetCount(uint64)
	HasSum() bool
	SetSum(float64)
	RemoveSum()
	SetMin(float64)
	RemoveMin()
	SetMax(float64)
	RemoveMax()
}

func setCommon[P distribution](point P, words []uint64) {
	flags := words[wordFlags]
	point.SetCount(words[wordCount])
	if flags&flagHasSum != 0 {
		point.SetSum(math.Float64frombits(words[wordSum]))
	} else {
		point.RemoveSum()
	}
	if flags&flagHasMin != 0 {
		point.SetMin(math.Float64frombits(words[wordMin]))
	} else {
		point.RemoveMin()
	}
	if flags&flagHasMax != 0 {
		point.SetMax(math.Float64frombits(words[wordMax]))
	} else {
		point.RemoveMax()
	}
}

// clearCommon makes the totals 0; of nothing there is no least and no greatest.
func clearCommon[P distribution](point P) {
	point.SetCount(0)
	if point.HasSum() {
		point.SetSum(0)
	}
	point.RemoveMin()
	point.RemoveMax()
}

// asDoubles reads words as doubles, in place.
func asDoubles(words []uint64) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(words))), len(words))
}
