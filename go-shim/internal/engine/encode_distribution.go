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

func (e *encoder) histogramPoints(points pmetric.HistogramDataPointSlice) {
	for i := range points.Len() {
		point := points.At(i)
		place, attributes := e.beginDistribution(point.Attributes())
		words := e.explicit(point)
		e.endDistribution(place, attributes, words, point.StartTimestamp(), point.Timestamp(), point.Flags())
	}
	e.points += uint32(points.Len())
}

func (e *encoder) exponentialPoints(points pmetric.ExponentialHistogramDataPointSlice) {
	for i := range points.Len() {
		point := points.At(i)
		place, attributes := e.beginDistribution(point.Attributes())
		words := e.exponential(point)
		e.endDistribution(place, attributes, words, point.StartTimestamp(), point.Timestamp(), point.Flags())
	}
	e.points += uint32(points.Len())
}

// beginDistribution makes room for a record, writes attributes behind it and moves to where words may
// stand. It returns the record's place and the length of the attributes.
func (e *encoder) beginDistribution(attributes pcommon.Map) (place, attributeBytes int) {
	place = e.reserve(C.sizeof_tl_point_record)
	attributeBytes = e.pointAttributes(attributes)
	e.align()
	return place, attributeBytes
}

func (e *encoder) endDistribution(place, attributes, words int, start, time pcommon.Timestamp, flags pmetric.DataPointFlags) {
	*(*C.tl_point_record)(e.at(place)) = C.tl_point_record{
		tag:               C.TL_TAG_POINT,
		no_recorded_value: boolByte(flags.NoRecordedValue()),
		attribute_bytes:   C.uint32_t(attributes),
		start_unix_nano:   C.uint64_t(start),
		time_unix_nano:    C.uint64_t(time),
		value_bits:        C.uint64_t(words),
	}
}

// explicit writes the words of a histogram and returns their number.
func (e *encoder) explicit(point pmetric.HistogramDataPoint) int {
	bounds, counts := point.ExplicitBounds(), point.BucketCounts()
	words := e.words(wordsExplicit + bounds.Len() + counts.Len())
	words[wordFlags] = flagExplicit
	words[wordCount] = point.Count()
	optional(words, wordSum, flagHasSum, point.HasSum(), point.Sum())
	optional(words, wordMin, flagHasMin, point.HasMin(), point.Min())
	optional(words, wordMax, flagHasMax, point.HasMax(), point.Max())
	words[wordLengths] = joined(int64(bounds.Len()), counts.Len())
	rest := words[wordsExplicit:]
	for i := range bounds.Len() {
		rest[i] = math.Float64bits(bounds.At(i))
	}
	copyCounts(rest[bounds.Len():], counts)
	return len(words)
}

// exponential writes the words of an exponential histogram and returns their number.
func (e *encoder) exponential(point pmetric.ExponentialHistogramDataPoint) int {
	positive, negative := point.Positive().BucketCounts(), point.Negative().BucketCounts()
	words := e.words(wordsExponential + positive.Len() + negative.Len())
	words[wordFlags] = flagExponential
	words[wordCount] = point.Count()
	optional(words, wordSum, flagHasSum, point.HasSum(), point.Sum())
	optional(words, wordMin, flagHasMin, point.HasMin(), point.Min())
	optional(words, wordMax, flagHasMax, point.HasMax(), point.Max())
	words[wordScale] = uint64(int64(point.Scale()))
	words[wordZeroCount] = point.ZeroCount()
	words[wordZeroThreshold] = math.Float64bits(point.ZeroThreshold())
	words[wordPositive] = joined(int64(point.Positive().Offset()), positive.Len())
	words[wordNegative] = joined(int64(point.Negative().Offset()), negative.Len())
	copyCounts(words[wordsExponential:], positive)
	copyCounts(words[wordsExponential+positive.Len():], negative)
	return len(words)
}

// optional writes a value that a point may lack, after the flags.
func optional(words []uint64, place int, flag uint64, present bool, value float64) {
	words[place] = 0 // the memory held an earlier batch
	if present {
		words[place] = math.Float64bits(value)
		words[wordFlags] |= flag
	}
}

// copyCounts copies one by one: pdata's AsRaw would make a slice.
func copyCounts(words []uint64, counts pcommon.UInt64Slice) {
	for i := range counts.Len() {
		words[i] = counts.At(i)
	}
}
