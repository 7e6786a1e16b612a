package harness

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

var sentinels atomic.Int64

// Settle returns when everything that the collector took in before is on its page: values that rule D4 or D6 holds
// come out at the tick of each second. It sends a stream of its own whose second window ends at the same time as its
// first, so that the second can only come out at a tick; when that is on the page, an earlier or the same tick has
// begun to give out all that was held. Doing so twice shows that this tick has ended. Needs a first value delay of 0.
func (c *Collector) Settle(tb testing.TB) {
	tb.Helper()
	client := c.Client(tb, HTTPProtobuf)
	for range 2 {
		name := fmt.Sprintf("test.sentinel.%d", sentinels.Add(1))
		now := time.Now()
		for _, value := range []float64{1, 2} {
			md := OneSum(name, now.Add(-time.Second), now, value)
			if err := client.SendMetrics(context.Background(), md); err != nil {
				tb.Fatalf("sentinel: %v", err)
			}
		}
		Eventually(tb, Patience, "the sentinel's second window", func() error {
			if got := c.Page(tb).Sum("test_sentinel", "sentinel", name); got != 3 {
				return fmt.Errorf("the page shows %v, not 3", got)
			}
			return nil
		})
	}
}

// OneSum makes a request with one point of a monotonic delta sum. The name is an attribute, too, so that the series
// is found whatever the exporter makes of metric names.
func OneSum(name string, start, end time.Time, value float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	resource := md.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "tests")
	m := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := sum.DataPoints().AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	p.SetTimestamp(pcommon.NewTimestampFromTime(end))
	p.Attributes().PutStr("sentinel", name)
	p.SetDoubleValue(value)
	return md
}
