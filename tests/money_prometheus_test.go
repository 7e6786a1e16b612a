package tests

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// costScrapeDelay is the first value delay with a scrape each second.
const costScrapeDelay = 3 * time.Second

// Scenario: a session and a request of two exports each, with costs from metrics and from events; Prometheus scrapes each
// second; the collectors are killed between the exports, and what was sent before is sent again.
// Guarantee: sum(increase()) of the costs is what the tokens cost, neither less, for want of a first sample, nor more,
// for a reset; and Prometheus has no series whose cost ever fell.
func TestPrometheusSeesComputedCosts(t *testing.T) {
	t.Parallel()
	delay := map[string]string{"TOKENLEDGER_FIRST_VALUE_DELAY": costScrapeDelay.String()}
	collectors := map[string]*harness.Collector{
		"metrics": harness.StartCollector(t, harness.Setup{Env: delay}),
		"events":  harness.StartCollector(t, harness.Setup{Env: delay, Base: fromEvents}),
	}
	scrapes := "scrape_configs:\n"
	for source, collector := range collectors {
		scrapes += fmt.Sprintf("  - {job_name: %s, scrape_interval: 1s, static_configs: [{targets: [%q]}]}\n", source, collector.PageAddress())
	}
	prometheus := harness.StartPrometheus(t, scrapes)
	prometheus.WaitForTargets(t, len(collectors))

	// A million tokens of output cost 15 dollars, then 20.
	md := outputTokensOf("claude-sonnet-4-5", "first", 1_000_000)
	ld := event("api_request", map[string]any{
		"session.id": "first", "request_id": "1", "model": "claude-sonnet-4-5", "input_tokens": 0, "output_tokens": 1_000_000,
	})
	require.NoError(t, collectors["metrics"].Client(t, harness.HTTPProtobuf).SendMetrics(t.Context(), md))
	sendLogs(t, collectors["events"].Client(t, harness.HTTPProtobuf), ld)
	for source := range collectors {
		increasesTo(t, prometheus, source, 15)
	}
	for source, collector := range collectors {
		collector.Kill(t)
		collectors[source] = collector.Restart(t)
	}
	require.NoError(t, collectors["metrics"].Client(t, harness.HTTPProtobuf).SendMetrics(t.Context(), md))
	require.NoError(t, collectors["metrics"].Client(t, harness.HTTPProtobuf).SendMetrics(t.Context(), outputTokensOf("claude-opus-5-5", "second", 1_000_000)))
	sendLogs(t, collectors["events"].Client(t, harness.HTTPProtobuf), ld)
	sendLogs(t, collectors["events"].Client(t, harness.HTTPProtobuf), event("api_request", map[string]any{
		"session.id": "second", "request_id": "1", "model": "claude-opus-5-5", "input_tokens": 0, "output_tokens": 1_000_000,
	}))
	for source := range collectors {
		increasesTo(t, prometheus, source, 15+20)
	}
}

// increasesTo waits until Prometheus has seen costs grow to what is expected, and checks how they grew.
func increasesTo(t *testing.T, prometheus *harness.Prometheus, source string, want float64) {
	t.Helper()
	selector := fmt.Sprintf("token_ledger_cost_USD_total{job=%q,source=%q}[1h]", source, source)
	var stored []harness.TimeSeries
	harness.Eventually(t, costScrapeDelay+harness.Patience, "costs from "+source, func() (err error) {
		if stored, err = prometheus.Query(selector, harness.Now()); err != nil {
			return err
		}
		if sum := harness.LastSamples(stored).Sum("token_ledger_cost"); sum < want-costTolerance || len(stored) == 0 {
			return errors.Join(err, fmt.Errorf("%v of %v dollars in %d series", sum, want, len(stored)))
		}
		return nil
	})
	// At the time of the last sample nothing is extrapolated behind it, and nothing before a first sample of 0.
	at := stored[len(stored)-1].Last().Time
	grown, err := prometheus.Query("sum(increase("+selector+"))", at)
	require.NoError(t, err)
	require.Len(t, grown, 1)
	assert.InDelta(t, want, grown[0].Last().Value, 1e-6, "sum(increase()) of costs from %s", source)
	for _, series := range stored {
		assert.Zero(t, series.First().Value, "first sample of %s", series.Selector())
	}
	resets, err := prometheus.Query("sum(resets("+selector+"))", at)
	require.NoError(t, err)
	require.Len(t, resets, 1)
	assert.Zero(t, resets[0].Last().Value, "resets of costs from %s", source)
}
