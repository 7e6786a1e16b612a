package tests

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// bothSources counts the tokens of clients' metrics in a collector that counts those of events.
func bothSources(more string) harness.Setup {
	return harness.Setup{Base: fromEvents, Config: pricedByMetrics("") + `
connectors: {token_ledger: {pricing: {cache_writes: 5m}}}
` + more}
}

// Scenario: a collector is to compute costs from metrics and from events: in pipelines of logs, of traces, and where the
// connector feeds another metrics pipeline than the one that prices.
// Guarantee: it does not start, and says why and what to do. With either of the two alone it starts.
func TestTheSameTokensAreNotCountedTwice(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"one pipeline": "",
		"logs only":    "service: {pipelines: {traces: {exporters: [debug]}}}",
		"traces only":  "service: {pipelines: {logs: {exporters: [debug]}}}",
		"another pipeline": `
exporters: {prometheus/events: {endpoint: "127.0.0.1:0"}}
service:
  pipelines:
    metrics: {receivers: [otlp]}
    metrics/events: {receivers: [token_ledger], exporters: [prometheus/events]}
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.Launch(t, bothSources(config))
			require.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
			for _, words := range []string{
				`pricing.source is \"metrics\"`, "connector token_ledger", "twice the truth",
				`set pricing.source to \"events\"`, "remove the connector", `pricing.beside_events to \"mark\"`,
			} {
				assert.Contains(t, collector.Log(), words)
			}
			assert.Zero(t, collector.ReadyCount(), "it never said that it was ready")
		})
	}
}

// Scenario: the same collector with `beside_events: mark` gets all signals of all captures.
// Guarantee: both costs are there, each whole, told apart by `source` alone.
func TestBothSourcesAreMarked(t *testing.T) {
	t.Parallel()
	setup := bothSources("")
	setup.Arguments = []string{"--set", "processors::token_ledger::pricing::beside_events=mark"}
	collector := harness.StartCollector(t, setup)
	all := loadAll(t)
	for i, c := range all {
		client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
		require.NoError(t, client.SendAll(t.Context(), c.Twice().Requests))
	}
	collector.Settle(t)
	page := collector.Page(t)
	for _, c := range all {
		requireTruth(t, page, c)
		requireEventTotals(t, page, c)
		for _, session := range c.Sessions {
			assert.InDelta(t, session.Cost, page.Sum("token_ledger_cost_USD_total", "source", "metrics", "session_id", session.ID),
				halfMicroDollar, c.Name)
		}
	}
	for _, series := range page.Find("token_ledger_cost_USD_total") {
		assert.Contains(t, []string{"metrics", "events"}, series.Labels["source"])
	}
	assert.NotEmpty(t, all[0].Of(capture.Traces), "spans of the same requests are among them")
}
