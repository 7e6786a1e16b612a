// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// deltaHistogram builds a delta histogram with one point; bare leaves out what a point may lack.
func deltaHistogram(bare bool) pmetric.Metric {
	metric := pmetric.NewMetric()
	histogram := metric.SetEmptyHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	point := histogram.DataPoints().AppendEmpty()
	point.Attributes().PutStr("type", "input")
	point.SetStartTimestamp(50)
	point.SetTimestamp(100)
	point.SetCount(7)
	point.Exemplars().AppendEmpty().SetDoubleValue(1)
	if !bare {
		point.SetSum(12.5)
		point.SetMin(-1)
		point.SetMax(9)
		point.ExplicitBounds().FromRaw([]float64{0, 2.5, math.MaxFloat64})
		point.BucketCounts().FromRaw([]uint64{1, 2, 0, 4})
	}
	return metric
}

// deltaExponential does the same with an exponential histogram.
func deltaExponential(bare bool) pmetric.Metric {
	metric := pmetric.NewMetric()
	histogram := metric.SetEmptyExponentialHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	point := histogram.DataPoints().AppendEmpty()
	point.Attributes().PutStr("type", "input")
	point.SetStartTimestamp(50)
	point.SetTimestamp(100)
	point.SetCount(7)
	point.Exemplars().AppendEmpty().SetDoubleValue(1)
	if !bare {
		point.SetSum(12.5)
		point.SetMin(-1)
		point.SetMax(9)
		point.SetScale(-10)
		point.SetZeroCount(2)
		point.SetZeroThreshold(0.25)
		point.Positive().SetOffset(math.MinInt32)
		point.Positive().BucketCounts().FromRaw([]uint64{1, math.MaxUint64})
		point.Negative().SetOffset(math.MaxInt32)
		point.Negative().BucketCounts().FromRaw([]uint64{3})
	}
	return metric
}

// Scenario: histograms of both kinds, with everything and with nothing that they may lack, after the
// buffer has held something else.
// Guarantee: what crosses the boundary and comes back is the same, and the length is what the record says.
func TestDistributionsSurviveTheWords(t *testing.T) {
	var e encoder
	for _, bare := range []bool{false, true} {
		dirty := e.words(100)
		for i := range dirty {
			dirty[i] = math.MaxUint64
		}
		e.used = 0
		point := deltaHistogram(bare).Histogram().DataPoints().At(0)
		count := e.explicit(point)
		got := deltaHistogram(!bare).Histogram().DataPoints().At(0)
		e.used = 0
		setHistogram(got, e.words(count))
		assert.Equal(t, rawHistogram(point), rawHistogram(got), "bare: %v", bare)

		e.used = 0
		exponential := deltaExponential(bare).ExponentialHistogram().DataPoints().At(0)
		count = e.exponential(exponential)
		gotExponential := deltaExponential(!bare).ExponentialHistogram().DataPoints().At(0)
		e.used = 0
		setExponential(gotExponential, e.words(count))
		assert.Equal(t, rawExponential(exponential), rawExponential(gotExponential), "bare: %v", bare)
	}
}

// rawExponential lists all that makes an exponential point.
func rawExponential(point pmetric.ExponentialHistogramDataPoint) map[string]any {
	return map[string]any{
		"attributes": point.Attributes().AsRaw(), "start": point.StartTimestamp(), "time": point.Timestamp(),
		"count": point.Count(), "sum": point.Sum(), "has sum": point.HasSum(), "exemplars": point.Exemplars().Len(),
		"min": point.Min(), "has min": point.HasMin(), "max": point.Max(), "has max": point.HasMax(),
		"scale": point.Scale(), "zero count": point.ZeroCount(), "zero threshold": point.ZeroThreshold(),
		"positive": point.Positive().Offset(), "positive counts": point.Positive().BucketCounts().AsRaw(),
		"negative": point.Negative().Offset(), "negative counts": point.Negative().BucketCounts().AsRaw(),
	}
}

// rawHistogram lists all that makes a histogram point.
func rawHistogram(point pmetric.HistogramDataPoint) map[string]any {
	return map[string]any{
		"attributes": point.Attributes().AsRaw(), "start": point.StartTimestamp(), "time": point.Timestamp(),
		"count": point.Count(), "sum": point.Sum(), "has sum": point.HasSum(), "exemplars": point.Exemplars().Len(),
		"min": point.Min(), "has min": point.HasMin(), "max": point.Max(), "has max": point.HasMax(),
		"bounds": point.ExplicitBounds().AsRaw(), "counts": point.BucketCounts().AsRaw(),
	}
}

// Scenario: a histogram is written with other bounds than it came with, and a zero is added beside it.
// Guarantee: value and zero have the same bounds, the zero counts nothing (D6, D12).
func TestWrittenHistogramAndItsZero(t *testing.T) {
	md := oneMetric(deltaHistogram(false))
	a := answers{
		points: []verdict{{action: actionWrite, start_unix_nano: 40, time_unix_nano: 101, value_bits: 1}},
		added:  []addedPoint{{start_unix_nano: 40, time_unix_nano: 60}},
		words: []uint64{
			math.MaxUint64, // of another point
			flagExplicit | flagHasSum, 70, math.Float64bits(125), 0, 0, joined(1, 2),
			math.Float64bits(2.5), 30, 40,
		},
	}
	a.apply(md)
	histogram := onlyMetric(md).Histogram()
	assert.Equal(t, pmetric.AggregationTemporalityCumulative, histogram.AggregationTemporality())
	assert.Equal(t, map[string]any{
		"attributes": map[string]any{"type": "input"}, "start": pcommon.Timestamp(40), "time": pcommon.Timestamp(60),
		"count": uint64(0), "sum": 0.0, "has sum": true, "exemplars": 0,
		"min": 0.0, "has min": false, "max": 0.0, "has max": false,
		"bounds": []float64{2.5}, "counts": []uint64{0, 0},
	}, rawHistogram(histogram.DataPoints().At(0)))
	assert.Equal(t, map[string]any{
		"attributes": map[string]any{"type": "input"}, "start": pcommon.Timestamp(40), "time": pcommon.Timestamp(101),
		"count": uint64(70), "sum": 125.0, "has sum": true, "exemplars": 1,
		"min": 0.0, "has min": false, "max": 0.0, "has max": false,
		"bounds": []float64{2.5}, "counts": []uint64{30, 40},
	}, rawHistogram(histogram.DataPoints().At(1)))
}

// Scenario: the value of a histogram is held (D6), goes to the overflow stream (T5), stays, or is dropped.
// Guarantee: a zero with the point's own bounds and no exemplars; the marked stream; nothing; no point.
func TestOtherActionsOnHistograms(t *testing.T) {
	words := []uint64{flagExplicit, 70, 0, 0, 0, 0}
	for action, change := range map[verdict]func(map[string]any){
		{action: actionWriteZero, start_unix_nano: 40, time_unix_nano: 60}: func(want map[string]any) {
			want["start"], want["time"], want["exemplars"] = pcommon.Timestamp(40), pcommon.Timestamp(60), 0
			want["count"], want["sum"], want["counts"] = uint64(0), 0.0, []uint64{0, 0, 0, 0}
			want["min"], want["has min"], want["max"], want["has max"] = 0.0, false, 0.0, false
		},
		{action: actionWriteOverflow, start_unix_nano: 40, time_unix_nano: 60}: func(want map[string]any) {
			want["attributes"] = map[string]any{"otel.metric.overflow": true}
			want["start"], want["time"] = pcommon.Timestamp(40), pcommon.Timestamp(60)
			want["count"], want["sum"], want["has sum"] = uint64(70), 0.0, false
			want["min"], want["has min"], want["max"], want["has max"] = 0.0, false, 0.0, false
			want["bounds"], want["counts"] = []float64(nil), []uint64(nil)
		},
		{action: actionKeep}: func(map[string]any) {},
	} {
		want := rawHistogram(deltaHistogram(false).Histogram().DataPoints().At(0))
		change(want)
		md := oneMetric(deltaHistogram(false))
		a := answers{points: []verdict{action}, words: words}
		a.apply(md)
		assert.Equal(t, want, rawHistogram(onlyMetric(md).Histogram().DataPoints().At(0)), "action %d", action.action)
	}
	md := oneMetric(deltaHistogram(false))
	a := answers{points: []verdict{{action: actionDrop}}}
	a.apply(md)
	assert.Zero(t, md.ResourceMetrics().Len())
}

// Scenario: an exponential histogram is written at a coarser scale, with a zero beside it; another's value
// is held.
// Guarantee: value and zero have the same scale and zero threshold, a zero has no buckets (D6, D13).
func TestWrittenExponentialAndItsZero(t *testing.T) {
	md := oneMetric(deltaExponential(false))
	points := onlyMetric(md).ExponentialHistogram().DataPoints()
	points.At(0).CopyTo(points.AppendEmpty())
	a := answers{
		points: []verdict{
			{action: actionWrite, start_unix_nano: 40, time_unix_nano: 101},
			{action: actionWriteZero, start_unix_nano: 41, time_unix_nano: 102},
		},
		added: []addedPoint{{start_unix_nano: 40, time_unix_nano: 60}},
		words: []uint64{
			flagExponential | flagHasSum | flagHasMin | flagHasMax, 70,
			math.Float64bits(125), math.Float64bits(-2), math.Float64bits(10),
			math.MaxUint64 - 10, // the scale -11
			20, math.Float64bits(0.5), joined(-3, 2), joined(4, 1), 10, 20, 30,
		},
	}
	a.apply(md)
	zero := map[string]any{
		"attributes": map[string]any{"type": "input"}, "start": pcommon.Timestamp(40), "time": pcommon.Timestamp(60),
		"count": uint64(0), "sum": 0.0, "has sum": true, "exemplars": 0,
		"min": 0.0, "has min": false, "max": 0.0, "has max": false,
		"scale": int32(-11), "zero count": uint64(0), "zero threshold": 0.5,
		"positive": int32(0), "positive counts": []uint64(nil), "negative": int32(0), "negative counts": []uint64(nil),
	}
	points = onlyMetric(md).ExponentialHistogram().DataPoints()
	assert.Equal(t, zero, rawExponential(points.At(0)))
	assert.Equal(t, map[string]any{
		"attributes": map[string]any{"type": "input"}, "start": pcommon.Timestamp(40), "time": pcommon.Timestamp(101),
		"count": uint64(70), "sum": 125.0, "has sum": true, "exemplars": 1,
		"min": -2.0, "has min": true, "max": 10.0, "has max": true,
		"scale": int32(-11), "zero count": uint64(20), "zero threshold": 0.5,
		"positive": int32(-3), "positive counts": []uint64{10, 20}, "negative": int32(4), "negative counts": []uint64{30},
	}, rawExponential(points.At(1)))
	zero["start"], zero["time"] = pcommon.Timestamp(41), pcommon.Timestamp(102)
	zero["scale"], zero["zero threshold"] = int32(-10), 0.25
	assert.Equal(t, zero, rawExponential(points.At(2)))
}
