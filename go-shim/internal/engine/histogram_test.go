// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// second is a time as seconds after began.
func second(after int) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(began.Add(time.Duration(after) * time.Second))
}

// explicitWindow builds a request with one delta point of a histogram that covers start to end.
func explicitWindow(start, end int, sum float64, bounds []float64, counts ...uint64) pmetric.Metrics {
	metric := deltaHistogram(true)
	metric.SetName("duration")
	point := metric.Histogram().DataPoints().At(0)
	point.SetStartTimestamp(second(start))
	point.SetTimestamp(second(end))
	point.SetSum(sum)
	count := uint64(0)
	for _, n := range counts {
		count += n
	}
	point.SetCount(count)
	point.ExplicitBounds().FromRaw(bounds)
	point.BucketCounts().FromRaw(counts)
	return oneMetric(metric)
}

// Scenario: two windows of a histogram, the second with bounds of which it shares one with the first.
// Guarantee: a zero with the same buckets, then totals in place; the shared bound stays, no count is lost (D6, D12).
func TestExplicitHistogramsBecomeTotals(t *testing.T) {
	e, clock := newTestEngine(t)
	clock.advance(20 * time.Second)
	md := explicitWindow(5, 6, 12.5, []float64{1, 2}, 1, 2, 3)
	b, err := e.Consume(md, nil)
	require.NoError(t, err)
	assert.Equal(t, Outcomes{Accepted: 1}, b.Outcomes())
	b.Release()
	histogram := onlyMetric(md).Histogram()
	assert.Equal(t, pmetric.AggregationTemporalityCumulative, histogram.AggregationTemporality())
	require.Equal(t, 2, histogram.DataPoints().Len())
	want := rawHistogram(explicitWindow(5, 6, 12.5, []float64{1, 2}, 1, 2, 3).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Histogram().DataPoints().At(0))
	assert.Equal(t, want, rawHistogram(histogram.DataPoints().At(1)))
	want["time"], want["count"], want["sum"], want["counts"], want["exemplars"] = second(5), uint64(0), 0.0, []uint64{0, 0, 0}, 0
	assert.Equal(t, want, rawHistogram(histogram.DataPoints().At(0)))

	md = explicitWindow(6, 7, 100, []float64{0.5, 2}, 10, 20, 30)
	_, err = e.Consume(md, nil)
	require.NoError(t, err)
	want["time"], want["count"], want["sum"], want["exemplars"] = second(7), uint64(66), 112.5, 1
	want["bounds"], want["counts"] = []float64{2}, []uint64{33, 33}
	assert.Equal(t, want, rawHistogram(onlyMetric(md).Histogram().DataPoints().At(0)))
}

// exponentialWindow builds a request with one delta point of an exponential histogram with positive buckets.
func exponentialWindow(start, end int, scale, offset int32, counts ...uint64) pmetric.Metrics {
	metric := deltaExponential(true)
	metric.SetName("size")
	point := metric.ExponentialHistogram().DataPoints().At(0)
	point.SetStartTimestamp(second(start))
	point.SetTimestamp(second(end))
	count := uint64(0)
	for _, n := range counts {
		count += n
	}
	point.SetCount(count)
	point.SetSum(float64(count))
	point.SetScale(scale)
	point.Positive().SetOffset(offset)
	point.Positive().BucketCounts().FromRaw(counts)
	return oneMetric(metric)
}

// Scenario: two windows of an exponential histogram, the second at a coarser scale.
// Guarantee: a zero at the scale of the value, then totals in place at the coarser scale (D6, D13).
func TestExponentialHistogramsBecomeTotals(t *testing.T) {
	e, clock := newTestEngine(t)
	clock.advance(20 * time.Second)
	md := exponentialWindow(5, 6, 1, 2, 1, 2, 3, 4) // indices 2 to 5
	_, err := e.Consume(md, nil)
	require.NoError(t, err)
	points := onlyMetric(md).ExponentialHistogram().DataPoints()
	require.Equal(t, 2, points.Len())
	assert.Equal(t, uint64(0), points.At(0).Count())
	assert.Equal(t, int32(1), points.At(0).Scale())
	assert.Equal(t, second(5), points.At(0).Timestamp())
	assert.Equal(t, []uint64{1, 2, 3, 4}, points.At(1).Positive().BucketCounts().AsRaw())

	md = exponentialWindow(6, 7, 0, 1, 10, 20) // indices 1 and 2, where 2 and 3, and 4 and 5 belong
	_, err = e.Consume(md, nil)
	require.NoError(t, err)
	point := onlyMetric(md).ExponentialHistogram().DataPoints().At(0)
	assert.Equal(t, int32(0), point.Scale())
	assert.Equal(t, int32(1), point.Positive().Offset())
	assert.Equal(t, []uint64{13, 27}, point.Positive().BucketCounts().AsRaw())
	assert.Equal(t, uint64(40), point.Count())
	assert.InDelta(t, 40, point.Sum(), 0)
}

// Scenario: a cumulative histogram, without rules; then from two clients, with a rule that makes them equal, and a request
// that comes twice.
// Guarantee: untouched; then one stream that has the increases of both and never falls (D14, T3).
func TestCumulativeMetrics(t *testing.T) {
	request := func(client string, end int, value uint64) pmetric.Metrics {
		md := explicitWindow(1, end, float64(value), []float64{1}, value, 0)
		onlyMetric(md).Histogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		onlyMetric(md).Histogram().DataPoints().At(0).Attributes().PutStr("session.id", client)
		return md
	}
	e, clock := newTestEngine(t)
	clock.advance(20 * time.Second)
	md := request("one", 6, 5)
	b, err := e.Consume(md, nil)
	require.NoError(t, err)
	assert.Equal(t, Outcomes{Untouched: 1}, b.Outcomes())
	assert.Equal(t, request("one", 6, 5), md)

	e, clock = newTestEngine(t, trims)
	clock.advance(20 * time.Second)
	var counts []uint64
	note := func(_ Metadata, md pmetric.Metrics) error {
		for _, rm := range md.ResourceMetrics().All() {
			for _, point := range rm.ScopeMetrics().At(0).Metrics().At(0).Histogram().DataPoints().All() {
				assert.Equal(t, map[string]any{"type": "input"}, point.Attributes().AsRaw())
				counts = append(counts, point.Count())
			}
		}
		return nil
	}
	for _, r := range []struct {
		client string
		end    int
		value  uint64
	}{{"one", 6, 5}, {"two", 7, 100}, {"one", 8, 6}, {"two", 9, 103}, {"two", 9, 103}} {
		md := request(r.client, r.end, r.value)
		_, err := e.Consume(md, nil)
		require.NoError(t, err)
		require.NoError(t, note(nil, md))
		require.NoError(t, e.Tick(false, note))
	}
	assert.IsNonDecreasing(t, counts)
	assert.Equal(t, uint64(109), counts[len(counts)-1])
	assert.Equal(t, int64(1), e.Stats().Streams)
}
