// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// exponentials applies the answers to the points of an exponential histogram and tells whether that
// emptied it.
func (a *answers) exponentials(metric string, points pmetric.ExponentialHistogramDataPointSlice) bool {
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
		a.writeExponential(point, answer)
		if a.exemplars != nil {
			a.editExemplars(metric, point.Exemplars())
		}
	}
	grown := addZeros(a, points, first, zeroExponential)
	if dropped > 0 {
		next := dropping{verdicts: verdicts}
		points.RemoveIf(func(pmetric.ExponentialHistogramDataPoint) bool { return next.answer() })
	}
	if grown {
		sortByTime(points)
	}
	return len(verdicts) > 0 && points.Len() == 0
}

func (a *answers) writeExponential(point pmetric.ExponentialHistogramDataPoint, answer *verdict) {
	if answer.action == actionKeep {
		return
	}
	point.SetStartTimestamp(pcommon.Timestamp(answer.start_unix_nano))
	point.SetTimestamp(pcommon.Timestamp(answer.time_unix_nano))
	if answer.action == actionWriteZero {
		clearExponential(point)
		clearExemplars(point.Exemplars())
		return
	}
	setExponential(point, a.words[answer.value_bits:])
	if answer.action == actionWriteOverflow {
		setOverflow(point.Attributes())
	}
}

// setExponential writes a histogram's words into a point; where the lengths agree, nothing is allocated.
func setExponential(point pmetric.ExponentialHistogramDataPoint, words []uint64) {
	setCommon(point, words)
	point.SetScale(int32(words[wordScale]))
	point.SetZeroCount(words[wordZeroCount])
	point.SetZeroThreshold(math.Float64frombits(words[wordZeroThreshold]))
	counts := words[wordsExponential:]
	setBuckets(point.Positive(), words[wordPositive], counts)
	setBuckets(point.Negative(), words[wordNegative], counts[highHalf(words[wordPositive]):])
}

func setBuckets(buckets pmetric.ExponentialHistogramDataPointBuckets, place uint64, counts []uint64) {
	buckets.SetOffset(int32(lowHalf(place)))
	buckets.BucketCounts().FromRaw(counts[:highHalf(place)])
}

// zeroExponential makes point the zero with the resolution of another.
func zeroExponential(point, beside pmetric.ExponentialHistogramDataPoint, _ *addedPoint) {
	point.SetScale(beside.Scale())
	point.SetZeroThreshold(beside.ZeroThreshold())
	if beside.HasSum() {
		point.SetSum(0)
	}
}

// clearExponential makes a histogram empty and keeps its scale.
func clearExponential(point pmetric.ExponentialHistogramDataPoint) {
	clearCommon(point)
	point.SetZeroCount(0)
	setBuckets(point.Positive(), 0, nil)
	setBuckets(point.Negative(), 0, nil)
}
