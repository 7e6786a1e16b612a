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

// numbers applies the answers to the points of a sum or gauge and tells whether that emptied it.
func (a *answers) numbers(metric string, points pmetric.NumberDataPointSlice) bool {
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
		writeNumber(point, answer)
		if a.exemplars != nil {
			a.editExemplars(metric, point.Exemplars())
		}
	}
	grown := addZeros(a, points, first, zeroNumber)
	if dropped > 0 {
		next := dropping{verdicts: verdicts}
		points.RemoveIf(func(pmetric.NumberDataPoint) bool { return next.answer() })
	}
	if grown {
		sortByTime(points)
	}
	return len(verdicts) > 0 && points.Len() == 0
}

func writeNumber(point pmetric.NumberDataPoint, answer *verdict) {
	if answer.action == actionKeep {
		return
	}
	point.SetStartTimestamp(pcommon.Timestamp(answer.start_unix_nano))
	point.SetTimestamp(pcommon.Timestamp(answer.time_unix_nano))
	setNumber(point, answer.is_double, answer.value_bits)
	switch answer.action {
	case actionWriteZero:
		clearExemplars(point.Exemplars())
	case actionWriteOverflow:
		setOverflow(point.Attributes())
	}
}

func zeroNumber(point, _ pmetric.NumberDataPoint, added *addedPoint) {
	setNumber(point, added.is_double, 0)
}

func setNumber(point pmetric.NumberDataPoint, isDouble C.uint8_t, bits C.uint64_t) {
	if isDouble != 0 {
		point.SetDoubleValue(math.Float64frombits(uint64(bits)))
	} else {
		point.SetIntValue(int64(bits))
	}
}
