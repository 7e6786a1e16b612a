// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// BenchmarkConsume measures the whole call on warm streams, ten attributes as Claude Code sends
// them. The comparison with contrib is `make bench`.
func BenchmarkConsume(b *testing.B) {
	for _, points := range []int{1, 10, 25, 1000} {
		b.Run(fmt.Sprintf("points=%d", points), func(b *testing.B) {
			e, clock := newTestEngine(b)
			md := claudeCodeBatch(points)
			first := pmetric.NewMetrics()
			md.CopyTo(first)
			rewind(first, clock.now)
			consume(b, e, first) // makes the streams, with their zero points
			clock.advance(time.Minute)
			for b.Loop() {
				clock.advance(time.Second)
				rewind(md, clock.now)
				batch, err := e.Consume(md, nil)
				if err != nil {
					b.Fatal(err)
				}
				batch.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*points), "ns/point")
		})
	}
}

func claudeCodeBatch(points int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for _, key := range []string{"host.arch", "os.type", "os.version", "service.name", "service.version"} {
		rm.Resource().Attributes().PutStr(key, "value of "+key)
	}
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("claude_code.token.usage")
	metric.SetUnit("tokens")
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	for i := range points {
		attributes := sum.DataPoints().AppendEmpty().Attributes()
		attributes.PutStr("user.id", "d141adbf367fd75585f159a2753f8c9421e77fa427968025b4050c42385e1d9f")
		attributes.PutStr("session.id", fmt.Sprintf("888cb579-08db-4809-851c-%012d", i/4))
		attributes.PutStr("organization.id", "d3814445-1111-4222-8333-123456789012")
		attributes.PutStr("user.email", "someone@example.invalid")
		attributes.PutStr("user.account_uuid", "a39ebdff-1111-4222-8333-123456789012")
		attributes.PutStr("user.account_id", "user_01ABCDEFGHJKLMNPQRSTUVWX")
		attributes.PutStr("terminal.type", "xterm-256color")
		attributes.PutStr("model", "claude-sonnet-4-5-20250929")
		attributes.PutStr("query_source", "main")
		attributes.PutStr("type", []string{"input", "output", "cacheRead", "cacheCreation"}[i%4])
	}
	return md
}

// rewind makes md a batch of fresh deltas again, in place.
func rewind(md pmetric.Metrics, at time.Time) {
	sum := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	start, end := pcommon.NewTimestampFromTime(at.Add(-time.Millisecond)), pcommon.NewTimestampFromTime(at)
	points := sum.DataPoints()
	for i := range points.Len() {
		point := points.At(i)
		point.SetStartTimestamp(start)
		point.SetTimestamp(end)
		point.SetDoubleValue(12)
	}
}
