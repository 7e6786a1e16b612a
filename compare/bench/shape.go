package main

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// shape is what the points of a run are, and what the processors do with them.
type shape string

const (
	// plain are sums; everything that a client sends tells streams apart.
	plain shape = "sums"
	// asPrometheus are sums with `identity: prometheus`, without rules; contrib has no such thing and works as in plain.
	asPrometheus shape = "sums, identity: prometheus"
	// trimmed are sums of which three of ten attributes are kept: one pass against contrib's chain.
	trimmed shape = "sums, 10 attributes trimmed to 3"
	// explicit are histograms with 16 buckets, exponential such with 120.
	explicit    shape = "histograms of 16 explicit buckets"
	exponential shape = "histograms of 120 exponential buckets"
)

// Sizes of the histograms. The exponential buckets are around 1, as those of times and sizes are.
const (
	explicitBuckets    = 16
	exponentialBuckets = 120
	exponentialScale   = 4
)

// dataPoint is what points of all kinds have in common.
type dataPoint interface {
	Attributes() pcommon.Map
	StartTimestamp() pcommon.Timestamp
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
}

// fill gives a metric its kind and its empty points.
func (s shape) fill(metric pmetric.Metric, batch int) {
	for range batch {
		switch s {
		case explicit:
			if metric.Type() == pmetric.MetricTypeEmpty {
				metric.SetEmptyHistogram()
			}
			metric.Histogram().DataPoints().AppendEmpty()
		case exponential:
			if metric.Type() == pmetric.MetricTypeEmpty {
				metric.SetEmptyExponentialHistogram()
			}
			metric.ExponentialHistogram().DataPoints().AppendEmpty()
		default:
			if metric.Type() == pmetric.MetricTypeEmpty {
				metric.SetEmptySum().SetIsMonotonic(true)
			}
			metric.Sum().DataPoints().AppendEmpty()
		}
	}
}

// points lists the points of a metric.
func (s shape) points(metric pmetric.Metric) []dataPoint {
	var points []dataPoint
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		for _, p := range metric.Histogram().DataPoints().All() {
			points = append(points, p)
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range metric.ExponentialHistogram().DataPoints().All() {
			points = append(points, p)
		}
	default:
		for _, p := range metric.Sum().DataPoints().All() {
			points = append(points, p)
		}
	}
	return points
}

// rewind makes a request one of new deltas, whatever became of it before; its points must all be there.
func (s shape) rewind(md pmetric.Metrics, places []place) {
	metric := metricOf(md)
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		metric.Histogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		for _, p := range metric.Histogram().DataPoints().All() {
			observeExplicit(p)
		}
	case pmetric.MetricTypeExponentialHistogram:
		metric.ExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		for _, p := range metric.ExponentialHistogram().DataPoints().All() {
			observeExponential(p)
		}
	default:
		metric.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		for _, p := range metric.Sum().DataPoints().All() {
			p.SetDoubleValue(increment)
		}
	}
	for i, p := range s.points(metric) {
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(places[i].end.Add(-time.Millisecond)))
		p.SetTimestamp(pcommon.NewTimestampFromTime(places[i].end))
	}
}

func observeExplicit(p pmetric.HistogramDataPoint) {
	bounds, counts := make([]float64, explicitBuckets-1), make([]uint64, explicitBuckets)
	for i := range bounds {
		bounds[i] = float64(int(1) << i)
		counts[i] = uint64(i % 3)
	}
	p.ExplicitBounds().FromRaw(bounds)
	p.BucketCounts().FromRaw(counts)
	p.SetCount(total(counts))
	p.SetSum(increment)
	p.SetMin(1)
	p.SetMax(1000)
}

func observeExponential(p pmetric.ExponentialHistogramDataPoint) {
	counts := make([]uint64, exponentialBuckets)
	for i := range counts {
		counts[i] = uint64(1 + i%3)
	}
	p.SetScale(exponentialScale)
	p.SetZeroCount(1)
	p.Positive().SetOffset(-exponentialBuckets / 2)
	p.Positive().BucketCounts().FromRaw(counts)
	p.SetCount(total(counts) + 1)
	p.SetSum(increment)
	p.SetMin(0)
	p.SetMax(100)
}

func total(counts []uint64) uint64 {
	sum := uint64(0)
	for _, count := range counts {
		sum += count
	}
	return sum
}

// verify makes sure that the work was done: as many points left as should, as totals of more than one window.
func (s shape) verify(md pmetric.Metrics, want int) error {
	if left := md.DataPointCount(); left != want {
		return fmt.Errorf("%d points left, should be %d", left, want)
	}
	metric := metricOf(md)
	var temporality pmetric.AggregationTemporality
	var totals float64
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		temporality = metric.Histogram().AggregationTemporality()
		last := metric.Histogram().DataPoints().At(metric.Histogram().DataPoints().Len() - 1)
		totals = last.Sum()
		if total(last.BucketCounts().AsRaw()) != last.Count() {
			return errors.New("a histogram left whose buckets are not its count")
		}
	case pmetric.MetricTypeExponentialHistogram:
		temporality = metric.ExponentialHistogram().AggregationTemporality()
		last := metric.ExponentialHistogram().DataPoints().At(metric.ExponentialHistogram().DataPoints().Len() - 1)
		totals = last.Sum()
		if total(last.Positive().BucketCounts().AsRaw())+last.ZeroCount() != last.Count() {
			return errors.New("a histogram left whose buckets are not its count")
		}
	default:
		temporality = metric.Sum().AggregationTemporality()
		totals = metric.Sum().DataPoints().At(metric.Sum().DataPoints().Len() - 1).DoubleValue()
	}
	if temporality != pmetric.AggregationTemporalityCumulative || totals < 2*increment {
		return fmt.Errorf("a point left as %s %v", temporality, totals)
	}
	return nil
}
