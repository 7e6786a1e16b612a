package tests

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/synthetic"
)

// cumulativeConfig trims sessions and forgets idle streams and members after two seconds.
const cumulativeConfig = `
processors:
  token_ledger:
    identity: prometheus
    prometheus: {promote_scope_metadata: true}
    max_stale: 2s
    cardinality: {rules: [{metrics: ["claude_code.*"], drop: [session.id]}]}
exporters:
  prometheus: {resource_to_telemetry_conversion: {enabled: false}}
`

// cumulativeClient is a client process that sends totals.
type cumulativeClient struct {
	t       *testing.T
	client  *harness.Client
	source  synthetic.Source
	started time.Time
}

func newCumulativeClient(t *testing.T, collector *harness.Collector, user, session string, started time.Time) *cumulativeClient {
	t.Helper()
	source := synthetic.Source{
		Resource:   map[string]string{"service.name": "claude-code"},
		Attributes: map[string]string{"user.id": user, "session.id": session},
	}
	return &cumulativeClient{t, collector.Client(t, harness.HTTPProtobuf), source, started.Truncate(time.Millisecond)}
}

// total sends the total since the start of the process.
func (c *cumulativeClient) total(at time.Time, value float64) {
	c.t.Helper()
	c.point(synthetic.Cumulative, synthetic.Window{Start: c.started, End: at}, value)
}

func (c *cumulativeClient) point(temporality pmetric.AggregationTemporality, w synthetic.Window, value float64) {
	c.t.Helper()
	request := c.source.Request().Sum("claude_code.token.usage", temporality, w, value, "type", "input")
	require.NoError(c.t, c.client.SendMetrics(c.t.Context(), request.Metrics()))
}

// tokensOf waits for a user's total on the page, and checks that it stands in one series.
func tokensOf(t *testing.T, collector *harness.Collector, user string, want float64) {
	t.Helper()
	harness.Eventually(t, 10*time.Second, "tokens of "+user, func() error {
		found := collector.Page(t).Find("claude_code_token_usage", "user_id", user)
		if len(found) != 1 || found[0].Value != want {
			return fmt.Errorf("the page shows %v, not one series of %v", found, want)
		}
		return nil
	})
}

// startedCumulative starts a collector and waits until its clock has gone on, so that a process that starts now is
// younger than it.
func startedCumulative(t *testing.T) *harness.Collector {
	t.Helper()
	collector := harness.StartCollector(t, harness.Setup{Config: cumulativeConfig})
	collector.Settle(t)
	return collector
}

// Scenario: points of a cumulative client arrive late, and again. Guarantee: a late total adds nothing, and the total
// is the client's (T3).
func TestCumulativeLatePoints(t *testing.T) {
	t.Parallel()
	collector := startedCumulative(t)
	now := time.Now()
	c := newCumulativeClient(t, collector, "late", "one", now.Add(-20*time.Millisecond))
	before := outcomes(collector.SelfMetrics(t))
	at := func(i int) time.Time { return now.Add(time.Duration(i) * time.Millisecond) }
	for _, point := range []struct {
		at    int
		value float64
	}{{1, 10}, {3, 30}, {2, 20}, {3, 30}, {6, 60}, {4, 40}, {5, 50}} {
		c.total(at(point.at), point.value)
	}
	tokensOf(t, collector, "late", 60)
	after := outcomes(collector.SelfMetrics(t))
	assert.Equal(t, 4.0, after["superseded"]+after["duplicate"]-before["superseded"]-before["duplicate"], "%v", after)
	assert.Zero(t, after["baseline"]-before["baseline"])
}

// Scenario: two processes send totals in turns under one session id, each since its own start, and one of them
// restarts. Guarantee: the series is the sum of what each process counted (T3: a member is identity and start).
func TestCumulativeProcessesAlternate(t *testing.T) {
	t.Parallel()
	collector := startedCumulative(t)
	now := time.Now().Add(-100 * time.Millisecond)
	one := newCumulativeClient(t, collector, "two processes", "same", now.Add(-30*time.Millisecond))
	two := newCumulativeClient(t, collector, "two processes", "same", now.Add(-20*time.Millisecond))
	for i := range 5 {
		at := now.Add(time.Duration(i) * 10 * time.Millisecond)
		one.total(at, float64(10*(i+1)))
		two.total(at, float64(7*(i+1)))
	}
	tokensOf(t, collector, "two processes", 50+35)

	again := newCumulativeClient(t, collector, "two processes", "same", time.Now())
	again.total(time.Now(), 3)
	tokensOf(t, collector, "two processes", 50+35+3)
	one.total(time.Now(), 4) // falls with the same start: a restart that kept its start time
	tokensOf(t, collector, "two processes", 50+35+3+4)
}

// Scenario: a session falls silent until it is forgotten and then goes on from where it was, while another session of
// the user keeps the series alive. Guarantee: only what it really added counts (T3: tombstones).
func TestCumulativeMemberReturns(t *testing.T) {
	t.Parallel()
	collector := startedCumulative(t)
	now := time.Now()
	idle := newCumulativeClient(t, collector, "returns", "idle", now)
	busy := newCumulativeClient(t, collector, "returns", "busy", now)
	idle.total(time.Now(), 100)
	value := 0.0
	requireSelfMetric(t, collector, "tombstones", func(n float64) bool {
		value++
		busy.total(time.Now(), value)
		return n >= 1
	})
	idle.total(time.Now(), 130)
	busy.total(time.Now(), value+1)
	tokensOf(t, collector, "returns", 130+value+1)
}

// Scenario: a client alone falls silent until it and its series are forgotten, and then goes on. Guarantee: the series
// begins anew with what was added since, never with the whole total again (L1, T3).
func TestCumulativeSeriesReturns(t *testing.T) {
	t.Parallel()
	collector := startedCumulative(t)
	c := newCumulativeClient(t, collector, "alone", "one", time.Now())
	c.total(time.Now(), 100)
	tokensOf(t, collector, "alone", 100)
	requireSelfMetric(t, collector, "tombstones", func(n float64) bool { return n >= 1 })
	c.total(time.Now(), 130)
	tokensOf(t, collector, "alone", 30)
	c.total(time.Now(), 131)
	tokensOf(t, collector, "alone", 31)
}

// requireSelfMetric waits until one of the processor's own metrics is as wanted. It takes a minute at most until each
// part of the store was looked over for what is idle.
func requireSelfMetric(t *testing.T, collector *harness.Collector, name string, wanted func(float64) bool) {
	t.Helper()
	harness.Eventually(t, time.Minute+harness.Patience, name, func() error {
		for _, series := range collector.SelfMetrics(t).Find("otelcol_processor_token_ledger_" + name) {
			if series.Name != "otelcol_processor_token_ledger_"+name {
				continue // a longer name
			}
			if wanted(series.Value) {
				return nil
			}
			return fmt.Errorf("it is %v", series.Value)
		}
		return errors.New("it is not there")
	})
}

// Scenario: a user's client sends deltas, then, set up anew and restarted, totals. Guarantee: both add up in one
// series.
func TestSwitchFromDeltaToCumulative(t *testing.T) {
	t.Parallel()
	collector := startedCumulative(t)
	c := newCumulativeClient(t, collector, "switched", "one", time.Now())
	for range 3 {
		begin := time.Now()
		c.point(synthetic.Delta, synthetic.Window{Start: begin.Add(-time.Millisecond), End: begin}, 10)
	}
	tokensOf(t, collector, "switched", 30)
	time.Sleep(1100 * time.Millisecond) // the end of the last delta window is known to the second
	c.started = time.Now().Truncate(time.Millisecond)
	for i := range 3 {
		c.total(time.Now(), float64(5*(i+1)))
		time.Sleep(5 * time.Millisecond) // another millisecond for each
	}
	tokensOf(t, collector, "switched", 45)
}

// Scenario: clients were running when the collector started: one alone in its series, one beside a session that the
// collector knows, one that does not say when it started. Guarantee: what they counted before is never counted again
// where it may have been counted already; what they add is; and each such first sight shows as `baseline` (T3).
func TestCumulativeClientsFromBefore(t *testing.T) {
	t.Parallel()
	before := time.Now().Add(-time.Hour)
	collector := startedCumulative(t)
	counted := outcomes(collector.SelfMetrics(t))["baseline"]

	alone := newCumulativeClient(t, collector, "old, alone", "one", before)
	alone.total(time.Now(), 1000)
	tokensOf(t, collector, "old, alone", 1000) // a new series begins at the value: increase() sees nothing of it
	alone.total(time.Now(), 1007)
	tokensOf(t, collector, "old, alone", 1007)

	known := newCumulativeClient(t, collector, "old, beside", "known", time.Now())
	known.total(time.Now(), 5)
	tokensOf(t, collector, "old, beside", 5)
	old := newCumulativeClient(t, collector, "old, beside", "old", before)
	old.total(time.Now(), 1000)
	old.total(time.Now().Add(time.Millisecond), 1003)
	tokensOf(t, collector, "old, beside", 5+3)

	unknown := newCumulativeClient(t, collector, "no start", "one", time.Unix(0, 0))
	unknown.total(time.Now(), 500)
	tokensOf(t, collector, "no start", 500)
	unknown.total(time.Now(), 501)
	tokensOf(t, collector, "no start", 501)
	assert.Equal(t, 3.0, outcomes(collector.SelfMetrics(t))["baseline"]-counted, "points counted as baseline")
}

// Scenario: a client that was running before is trimmed into a series of a real store. Guarantee: increase() over the
// whole run is what it added after the collector started, and not its old total.
func TestBaselineIsNoIncrease(t *testing.T) {
	t.Parallel()
	collector := startedCumulative(t)
	prometheus := harness.StartPrometheus(t, fmt.Sprintf(
		"scrape_configs: [{job_name: page, honor_labels: true, scrape_interval: 1s, static_configs: [{targets: [%q]}]}]", collector.PageAddress()))
	prometheus.WaitForTargets(t, 1)
	c := newCumulativeClient(t, collector, "scraped", "old", time.Now().Add(-time.Hour))
	value := 1000.0
	for deadline := time.Now().Add(6 * time.Second); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		c.total(time.Now(), value)
		value++
	}
	harness.Eventually(t, harness.Patience, "the last total in the store", func() error {
		stored, err := prometheus.Query(`{__name__=~"claude_code_token_usage.*"}[10m]`, harness.Now())
		if err != nil || len(stored) != 1 || stored[0].Last().Value != value-1 {
			return fmt.Errorf("%v, %v", stored, err)
		}
		grown := increase(t, prometheus, stored[0], stored[0].Last().Time)
		assert.LessOrEqual(t, grown, 2*(value-1000), "increase() of a series that begins at %v", stored[0].First().Value)
		assert.GreaterOrEqual(t, stored[0].First().Value, 1000.0, "no zero in front of a baseline")
		return nil
	})
}

// Scenario: totals and gauges come in where nothing has to be added up (`identity: otlp`, no rules, no prices). Guarantee:
// they pass as they are, falls included, and no baseline is counted (D14).
func TestCumulativeUntouched(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: "processors: {token_ledger: {identity: otlp, pricing: {source: none}}}"})
	c := newCumulativeClient(t, collector, "untouched", "one", time.Now().Add(-time.Hour))
	for i, value := range []float64{1000, 1007, 3} {
		c.total(time.Now().Add(time.Duration(i)*time.Millisecond), value)
		tokensOf(t, collector, "untouched", value)
	}
	counted := outcomes(collector.SelfMetrics(t))
	assert.Zero(t, counted["baseline"]+counted["superseded"]+counted["refused"], "%v", counted)
}
