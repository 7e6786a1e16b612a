package tests

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// gracePeriod is how long Kubernetes waits after SIGTERM by default before it kills.
const gracePeriod = 30 * time.Second

// startAnewMessage is what the log says when totals end with the process or the configuration (rule L6).
const startAnewMessage = "totals are kept in memory only: after a restart or a reload of the configuration they start anew"

// TestShutdownEmitsHeldValues sends sessions to collectors that hold all values for an hour, for each reason there is
// to hold them, and ends them with SIGTERM. It guarantees that the next component got every total before the exit (L5).
func TestShutdownEmitsHeldValues(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(*harness.Sink) string{
		"emit interval": func(sink *harness.Sink) string {
			return pushConfig(sink, "{emit: interval, flush_interval: 1h, first_value_delay: 0s}")
		},
		// With a ledger it would stay held: TestPrometheusScrapesThroughARestart.
		"first value delay": func(sink *harness.Sink) string {
			return unbufferedConfig(sink, "{emit: each, first_value_delay: 1h, storage: {directory: ''}}")
		},
		"interval and first value": func(sink *harness.Sink) string {
			return pushConfig(sink, "{emit: interval, flush_interval: 1h, first_value_delay: 1h}")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := harness.StartSink(t)
			collector := harness.StartCollector(t, harness.Setup{Config: config(sink)})
			want := capture.Totals{}
			for _, c := range loadAll(t) {
				require.NoError(t, collector.Client(t, harness.HTTPProtobuf).SendAll(t.Context(), c.Of(capture.Metrics)))
				for key, value := range c.Totals(t) {
					want[key] = value
				}
			}
			for key, value := range capture.Received(t, sink.Received()) {
				require.Zero(t, value, "%s was not held", key)
			}
			assert.Zero(t, collector.Stop(t, gracePeriod), "exit code")
			require.NoError(t, sameTotals(want, capture.Received(t, sink.Received())))
		})
	}
}

// TestIntervalOutput lets a collector push each second while sessions send. It guarantees one point per stream and
// request, cumulative, in order of time, with exact totals at the end (L3, D4).
func TestIntervalOutput(t *testing.T) {
	t.Parallel()
	sink := harness.StartSink(t)
	collector := harness.StartCollector(t, harness.Setup{Config: unbufferedConfig(sink, "{emit: interval, flush_interval: 1s}")})
	c := load(t, "2.1.329", capture.Protobuf, "interval output")
	replay(t, collector, c.InOrderOfTime(t), 0)
	harness.Eventually(t, harness.Patience, "totals at the next component", func() error {
		return sameTotals(c.Totals(t), capture.Received(t, sink.Received()))
	})
	require.Greater(t, len(sink.Received()), 3, "one request for each second in which something came")
	collector.Stop(t, gracePeriod)
	require.NoError(t, sameTotals(c.Totals(t), capture.Received(t, sink.Received())), "after the end")
}

// pushConfig sends metrics to a sink with the exporter's usual queue, whose parallel consumers may change the order.
func pushConfig(sink *harness.Sink, settings string) string {
	return fmt.Sprintf(`
processors: {token_ledger: %s}
exporters:
  otlp_http: {endpoint: %q}
service: {pipelines: {metrics: {exporters: [otlp_http]}}}
`, settings, sink.URL)
}

// withoutLedger keeps totals in memory only.
var withoutLedger = map[string]string{"TOKENLEDGER_STATE_DIR": ""}

// TestRestart ends a collector with SIGTERM, starts it again on the same ports and sends the same session again. It
// guarantees a clean exit in time, that all totals are back before anything comes in, and that the session, which a
// client could have sent again, is counted once (L6, D3a).
func TestRestart(t *testing.T) {
	t.Parallel()
	c := load(t, "2.1.329", capture.JSON, "restart")
	first := harness.StartCollector(t, harness.Setup{})
	sendAndCheck(t, first, c)
	assert.Zero(t, first.Stop(t, gracePeriod), "exit code")
	assert.NotContains(t, first.Log(), startAnewMessage)

	second := first.Restart(t)
	harness.Eventually(t, harness.Patience, "totals of the process before", func() error {
		shown, err := second.Page(t).Totals(c.Sessions)
		if err != nil {
			return err
		}
		return sameTotals(c.Totals(t), shown)
	})
	sendAndCheck(t, second, c)
}

// TestRestartWithoutLedger is TestRestart with totals in memory only. It guarantees a clean exit in time, that totals
// start anew, and that the log says so (L6).
func TestRestartWithoutLedger(t *testing.T) {
	t.Parallel()
	c := load(t, "2.1.329", capture.JSON, "restart without ledger")
	first := harness.StartCollector(t, harness.Setup{Env: withoutLedger})
	sendAndCheck(t, first, c)
	assert.Zero(t, first.Stop(t, gracePeriod), "exit code")
	assert.Contains(t, first.Log(), startAnewMessage)

	second := first.Restart(t)
	require.Empty(t, second.Page(t).Find("claude_code_"), "nothing is left of the process before")
	sendAndCheck(t, second, c)
}

// TestReload changes the configuration file of a running collector and sends SIGHUP. It guarantees that the process
// lives and works with the new settings, that totals go on, and that the session, sent again, is counted once (L6).
func TestReload(t *testing.T) {
	t.Parallel()
	c := load(t, "2.1.197", capture.JSON, "reload")
	collector := harness.StartCollector(t, harness.Setup{})
	sendAndCheck(t, collector, c)
	reload(t, collector)
	assert.NotContains(t, collector.Log(), startAnewMessage)
	sendAndCheck(t, collector, c)
}

// TestReloadWithoutLedger is TestReload with totals in memory only. It guarantees that totals start anew, and that the
// log says so (L6).
func TestReloadWithoutLedger(t *testing.T) {
	t.Parallel()
	c := load(t, "2.1.197", capture.JSON, "reload without ledger")
	collector := harness.StartCollector(t, harness.Setup{Env: withoutLedger})
	sendAndCheck(t, collector, c)
	require.NotContains(t, collector.Log(), startAnewMessage)
	reload(t, collector)
	assert.Contains(t, collector.Log(), startAnewMessage)
	require.Empty(t, collector.Page(t).Find("claude_code_"), "nothing is left of the totals before")
	sendAndCheck(t, collector, c)
}

// reload lets a collector read its configuration file again, with one setting changed.
func reload(t *testing.T, collector *harness.Collector) {
	t.Helper()
	collector.Rewrite(t, "processors: {token_ledger: {cardinality: {max_streams: 77777}}}")
	collector.Signal(t, syscall.SIGHUP)
	harness.Eventually(t, harness.Patience, "reload", func() error {
		if collector.ReadyCount() < 2 {
			return fmt.Errorf("ready %d times", collector.ReadyCount())
		}
		return nil
	})
	assert.Equal(t, 77777.0, collector.SelfMetrics(t).Sum("otelcol_processor_token_ledger_streams_limit"))
}

// TestReloadRefusesBadConfiguration makes the configuration file unusable and sends SIGHUP. It guarantees that the
// collector ends with an error that names the key, and does not go on with something nobody wrote.
func TestReloadRefusesBadConfiguration(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{})
	collector.Rewrite(t, "processors: {token_ledger: {max_stale: -1s}}")
	collector.Signal(t, syscall.SIGHUP)
	assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
	assert.Contains(t, collector.Log(), "max_stale is -1s")
}

// sendAndCheck sends a capture and waits for its totals.
func sendAndCheck(t *testing.T, collector *harness.Collector, c capture.Capture) {
	t.Helper()
	require.NoError(t, collector.Client(t, harness.HTTPJSON).SendAll(t.Context(), c.Requests))
	collector.Settle(t)
	requireTruth(t, collector.Page(t), c)
}
