package capture

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// OneShot adds up all windows of each series into one point: what a client sends that lives shorter than its export
// interval, such as a single command.
func (c Capture) OneShot(tb testing.TB) Capture {
	all := pmetric.NewMetrics()
	metrics := map[string]pmetric.Metric{}
	points := map[string]pmetric.NumberDataPoint{}
	for _, md := range c.decoded(tb) {
		eachMetric(md, func(rm pmetric.ResourceMetrics, sm pmetric.ScopeMetrics, m pmetric.Metric) {
			if _, known := metrics[m.Name()]; !known {
				metrics[m.Name()] = appendLike(all, rm, sm, m)
			}
			for _, p := range m.Sum().DataPoints().All() {
				addTo(metrics[m.Name()], points, Key(m.Name(), labels(p.Attributes())), p)
			}
		})
	}
	return c.WithRequests([]Request{c.encoded(tb, all)})
}

// addTo adds a window to the point of its series, which begins with the earliest and ends with the latest window.
func addTo(m pmetric.Metric, points map[string]pmetric.NumberDataPoint, key string, p pmetric.NumberDataPoint) {
	sum, known := points[key]
	if !known {
		sum = m.Sum().DataPoints().AppendEmpty()
		p.CopyTo(sum)
		points[key] = sum
		return
	}
	sum.SetDoubleValue(value(sum) + value(p))
	sum.SetStartTimestamp(min(sum.StartTimestamp(), p.StartTimestamp()))
	sum.SetTimestamp(max(sum.Timestamp(), p.Timestamp()))
}

// Received reads what a push receiver got: the last value of each series. Points must be cumulative, and the times
// of a series must increase in whole milliseconds from request to request (rule D4).
func Received(tb testing.TB, requests []pmetric.Metrics) Totals {
	tb.Helper()
	out := Totals{}
	latest := map[string]pcommon.Timestamp{}
	for _, md := range requests {
		EachPoint(md, func(m pmetric.Metric, p pmetric.NumberDataPoint) {
			if IsComputed(m.Name()) {
				return // it has no truth of clients to be compared with
			}
			key := Key(m.Name(), labels(p.Attributes()))
			require.Equal(tb, pmetric.AggregationTemporalityCumulative, m.Sum().AggregationTemporality(), key)
			require.Greater(tb, milliseconds(p.Timestamp()), milliseconds(latest[key]), "times of %s", key)
			require.LessOrEqual(tb, p.StartTimestamp(), p.Timestamp(), "start of %s", key)
			latest[key] = p.Timestamp()
			out[key] = value(p)
		})
	}
	return out
}

func milliseconds(t pcommon.Timestamp) int64 { return t.AsTime().UnixMilli() }
