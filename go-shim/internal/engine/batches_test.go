// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// sumBatch builds a delta sum with that many points of as many streams.
func sumBatch(points int) pmetric.Metrics {
	md, metric := claudeCode()
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for i := range points {
		point := sum.DataPoints().AppendEmpty()
		describe(point.Attributes(), i)
		point.SetDoubleValue(12)
	}
	return md
}

// histogramBatch does the same with a histogram of 16 buckets.
func histogramBatch(points int) pmetric.Metrics {
	md, metric := claudeCode()
	histogram := metric.SetEmptyHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	bounds, counts := make([]float64, 15), make([]uint64, 16)
	for i := range counts {
		counts[i] = 1
	}
	for i := range bounds {
		bounds[i] = math.Pow(2, float64(i))
	}
	for i := range points {
		point := histogram.DataPoints().AppendEmpty()
		describe(point.Attributes(), i)
		point.SetCount(16)
		point.SetSum(40_000)
		point.SetMin(0.5)
		point.SetMax(20_000)
		point.ExplicitBounds().FromRaw(bounds)
		point.BucketCounts().FromRaw(counts)
	}
	return md
}

// exponentialBatch does the same with an exponential histogram of 40 buckets.
func exponentialBatch(points int) pmetric.Metrics {
	md, metric := claudeCode()
	histogram := metric.SetEmptyExponentialHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	counts := make([]uint64, 40)
	for i := range counts {
		counts[i] = 1
	}
	for i := range points {
		point := histogram.DataPoints().AppendEmpty()
		describe(point.Attributes(), i)
		point.SetCount(40)
		point.SetSum(400)
		point.SetScale(3)
		point.Positive().BucketCounts().FromRaw(counts)
	}
	return md
}

// claudeCode builds a request with one metric that has no kind yet.
func claudeCode() (pmetric.Metrics, pmetric.Metric) {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for _, key := range []string{"host.arch", "os.type", "os.version", "service.name", "service.version"} {
		rm.Resource().Attributes().PutStr(key, "value of "+key)
	}
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("claude_code.token.usage")
	metric.SetUnit("tokens")
	return md, metric
}

// describe writes ten attributes; points with another number are of another stream.
func describe(attributes pcommon.Map, number int) {
	attributes.PutStr("user.id", "d141adbf367fd75585f159a2753f8c9421e77fa427968025b4050c42385e1d9f")
	attributes.PutStr("session.id", fmt.Sprintf("888cb579-08db-4809-851c-%012d", number/4))
	attributes.PutStr("organization.id", "d3814445-1111-4222-8333-123456789012")
	attributes.PutStr("user.email", "someone@example.invalid")
	attributes.PutStr("user.account_uuid", "a39ebdff-1111-4222-8333-123456789012")
	attributes.PutStr("user.account_id", "user_01ABCDEFGHJKLMNPQRSTUVWX")
	attributes.PutStr("terminal.type", "xterm-256color")
	attributes.PutStr("model", "claude-sonnet-4-5-20250929")
	attributes.PutStr("query_source", "main")
	attributes.PutStr("type", []string{"input", "output", "cacheRead", "cacheCreation"}[number%4])
}

// setWindows gives all points of a batch's only metric one window.
func setWindows(md pmetric.Metrics, from, to time.Time) {
	start, end := pcommon.NewTimestampFromTime(from), pcommon.NewTimestampFromTime(to)
	switch metric := onlyMetric(md); metric.Type() {
	case pmetric.MetricTypeSum:
		for _, point := range metric.Sum().DataPoints().All() {
			point.SetStartTimestamp(start)
			point.SetTimestamp(end)
		}
	case pmetric.MetricTypeHistogram:
		for _, point := range metric.Histogram().DataPoints().All() {
			point.SetStartTimestamp(start)
			point.SetTimestamp(end)
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, point := range metric.ExponentialHistogram().DataPoints().All() {
			point.SetStartTimestamp(start)
			point.SetTimestamp(end)
		}
	}
}
