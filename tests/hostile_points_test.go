package tests

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// hostile are changes of a valid point that no client should send, with what becomes of the point.
var hostile = []struct {
	name    string
	outcome string
	change  func(pmetric.NumberDataPoint)
}{
	{"not a number", "invalid", func(p pmetric.NumberDataPoint) { p.SetDoubleValue(math.NaN()) }},
	{"infinite", "invalid", func(p pmetric.NumberDataPoint) { p.SetDoubleValue(math.Inf(1)) }},
	{"minus infinite", "invalid", func(p pmetric.NumberDataPoint) { p.SetDoubleValue(math.Inf(-1)) }},
	{"negative", "invalid", func(p pmetric.NumberDataPoint) { p.SetDoubleValue(-1) }},
	{"negative integer", "invalid", func(p pmetric.NumberDataPoint) { p.SetIntValue(math.MinInt64) }},
	{"no recorded value", "no_value", func(p pmetric.NumberDataPoint) {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	}},
	{"largest integer", "added", func(p pmetric.NumberDataPoint) { p.SetIntValue(math.MaxInt64) }},
	{"largest double", "added", func(p pmetric.NumberDataPoint) { p.SetDoubleValue(math.MaxFloat64) }},
	{"time 0", "added", func(p pmetric.NumberDataPoint) { p.SetTimestamp(0) }},
	{"both times 0", "added", func(p pmetric.NumberDataPoint) { p.SetTimestamp(0); p.SetStartTimestamp(0) }},
	{"start after time", "added", func(p pmetric.NumberDataPoint) { p.SetStartTimestamp(p.Timestamp() + 1_000_000_000) }},
	{"end of time", "added", func(p pmetric.NumberDataPoint) { p.SetTimestamp(math.MaxUint64) }},
	{"all of time", "added", func(p pmetric.NumberDataPoint) { p.SetStartTimestamp(1); p.SetTimestamp(math.MaxUint64) }},
	{"10,000 attributes", "overflow", func(p pmetric.NumberDataPoint) {
		for i := range 10_000 {
			p.Attributes().PutStr(fmt.Sprintf("attribute_%d", i), "value")
		}
	}},
	{"1 MB attribute value", "overflow", func(p pmetric.NumberDataPoint) { p.Attributes().PutStr("long", strings.Repeat("x", 1<<20)) }},
	{"1 MB attribute name", "overflow", func(p pmetric.NumberDataPoint) { p.Attributes().PutStr(strings.Repeat("n", 1<<20), "x") }},
	{"array 100 deep", "added", func(p pmetric.NumberDataPoint) { nestArrays(p.Attributes().PutEmpty("deep"), 100) }},
	{"map 100 deep", "added", func(p pmetric.NumberDataPoint) { nestMaps(p.Attributes().PutEmpty("deep"), 100) }},
	{"array 5,000 deep", "added", func(p pmetric.NumberDataPoint) { nestArrays(p.Attributes().PutEmpty("deep"), 5000) }},
	{"not UTF-8", "added", func(p pmetric.NumberDataPoint) { p.Attributes().PutStr("bytes", "\xff\xfe\x00") }},
	{"empty attribute name", "added", func(p pmetric.NumberDataPoint) { p.Attributes().PutStr("", "x") }},
}

// TestHostilePoints sends points that no client should send, each in one request with a captured one's good points.
// It guarantees that the collector lives, counts them by outcome, and that the good points' totals are exact.
func TestHostilePoints(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{})
	before := outcomes(collector.SelfMetrics(t))
	want := map[string]float64{}
	var sent []capture.Capture
	for _, bad := range hostile {
		c := load(t, "2.1.197", capture.Protobuf, bad.name)
		sent = append(sent, c)
		want["added"] += sendWithHostile(t, collector, c, bad.change)
		want[bad.outcome] += float64(len(c.Of(capture.Metrics)))
	}
	sendEmptyMetrics(t, collector)

	collector.Settle(t)
	want["added"] += 4 // the points of Settle
	page := collector.Page(t)
	for _, c := range sent {
		t.Run(c.Name, func(t *testing.T) { requireTruth(t, page, c) })
	}
	got := outcomes(collector.SelfMetrics(t))
	for _, outcome := range []string{"added", "invalid", "no_value", "duplicate", "overflow"} {
		assert.Equal(t, want[outcome], got[outcome]-before[outcome], "points counted as %s", outcome)
	}
}

// sendWithHostile sends the metrics of a capture with a hostile point at the end of each request, and returns how many
// good points that were. The hostile point has no session id, so it is no part of the sessions' totals.
func sendWithHostile(t *testing.T, collector *harness.Collector, c capture.Capture, change func(pmetric.NumberDataPoint)) float64 {
	t.Helper()
	client := collector.Client(t, harness.GRPC)
	good := 0
	for i, request := range c.Of(capture.Metrics) {
		decoded, err := request.MetricsRequest()
		require.NoError(t, err)
		md := decoded.Metrics()
		capture.EachPoint(md, func(pmetric.Metric, pmetric.NumberDataPoint) { good++ })
		name := fmt.Sprintf("test.hostile.%s.%d", c.Name, i)
		extra := harness.OneSum(name, time.Now().Add(-time.Second), time.Now(), 1)
		capture.EachPoint(extra, func(_ pmetric.Metric, p pmetric.NumberDataPoint) { change(p) })
		extra.ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
		require.NoError(t, client.SendMetrics(t.Context(), md), c.Name)
	}
	return float64(good)
}

// sendEmptyMetrics sends what has a shape but no points.
func sendEmptyMetrics(t *testing.T, collector *harness.Collector) {
	t.Helper()
	md := pmetric.NewMetrics()
	md.ResourceMetrics().AppendEmpty() // a resource without scopes
	md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	metrics.AppendEmpty()               // without name and type
	metrics.AppendEmpty().SetName("no") // without type
	metrics.AppendEmpty().SetEmptySum() // of unspecified temporality
	metrics.AppendEmpty().SetEmptySum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	metrics.AppendEmpty().SetEmptyGauge()
	metrics.AppendEmpty().SetEmptyHistogram()
	for _, transport := range harness.Transports {
		request, err := capture.FromMetrics(md, capture.Protobuf)
		require.NoError(t, err)
		assert.NoError(t, collector.Client(t, transport).Send(t.Context(), request), transport)
	}
}

// outcomes reads the collector's own counter of points. Late points are in the totals as accepted ones are and only
// go out later (rule D4), which depends on the time of the test: both together are what was added.
func outcomes(page harness.Page) map[string]float64 {
	out := map[string]float64{}
	for _, series := range page.Find("otelcol_processor_token_ledger_points") {
		outcome := series.Labels["outcome"]
		if outcome == "accepted" || outcome == "late" {
			outcome = "added"
		}
		out[outcome] += series.Value
	}
	return out
}

func nestArrays(value pcommon.Value, depth int) {
	for range depth {
		value = value.SetEmptySlice().AppendEmpty()
	}
	value.SetStr("bottom")
}

func nestMaps(value pcommon.Value, depth int) {
	for range depth {
		value = value.SetEmptyMap().PutEmpty("inner")
	}
	value.SetStr("bottom")
}
