package tests

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestNextComponentRefuses lets the next component refuse two of three requests while clients retry as OTLP tells
// them. It guarantees exact totals there: refused totals go out again, and retries are not counted twice (L4, D3).
func TestNextComponentRefuses(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"emit each":     "{emit: each, first_value_delay: 0s}",
		"emit interval": "{emit: interval, flush_interval: 200ms, first_value_delay: 0s}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := harness.StartSink(t)
			sink.Refuse(func(n int) bool { return n%3 != 0 })
			collector := harness.StartCollector(t, harness.Setup{Config: unbufferedConfig(sink, settings)})
			client := collector.Client(t, harness.HTTPProtobuf)
			want := capture.Totals{}
			for _, c := range loadAll(t) {
				for _, request := range c.Of(capture.Metrics) {
					sendUntilTaken(t, client, request)
				}
				for key, value := range c.Totals(t) {
					want[key] = value
				}
			}
			harness.Eventually(t, harness.Patience, "totals at the next component", func() error {
				return sameTotals(want, capture.Received(t, sink.Received()))
			})
			sink.Refuse(nil) // what is emitted at the end goes out once
			collector.Stop(t, gracePeriod)
			require.NoError(t, sameTotals(want, capture.Received(t, sink.Received())), "after the end")
		})
	}
}

// unbufferedConfig sends to a sink without queue and retries, so that the processor and the client see each refusal,
// and no parallel consumers of a queue change the order.
func unbufferedConfig(sink *harness.Sink, settings string) string {
	return fmt.Sprintf(`
processors: {token_ledger: %s}
exporters:
  otlp_http: {endpoint: %q, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service: {pipelines: {metrics: {exporters: [otlp_http]}}}
`, settings, sink.URL)
}

// sendUntilTaken repeats a request as long as the answer is one that OTLP clients retry.
func sendUntilTaken(t *testing.T, client *harness.Client, request capture.Request) {
	t.Helper()
	for range 100 {
		err := client.Send(t.Context(), request)
		if err == nil {
			return
		}
		var status *harness.StatusError
		require.ErrorAs(t, err, &status)
		require.Equal(t, http.StatusServiceUnavailable, status.Code, "a status that clients retry")
	}
	t.Fatal("refused a hundred times")
}

// TestShutdownUnderLoad ends a collector with SIGTERM while clients send single tokens. It guarantees that each token
// that was acknowledged is at the next component afterwards, and none that was not sent.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"emit each":     "{emit: each, first_value_delay: 0s}",
		"emit interval": "{emit: interval, flush_interval: 1h, first_value_delay: 0s}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := harness.StartSink(t)
			collector := harness.StartCollector(t, harness.Setup{Config: unbufferedConfig(sink, settings)})
			var acknowledged, sent atomic.Int64
			var clients sync.WaitGroup
			for i := range 4 {
				client := collector.Client(t, harness.HTTPProtobuf)
				clients.Go(func() { sendTokens(t, client, fmt.Sprintf("test.tokens.%d", i), &acknowledged, &sent) })
			}
			harness.Eventually(t, harness.Patience, "some tokens", func() error {
				if acknowledged.Load() < 200 {
					return errors.New("not yet")
				}
				return nil
			})
			assert.Zero(t, collector.Stop(t, gracePeriod), "exit code")
			clients.Wait()
			var arrived float64
			for _, value := range capture.Received(t, sink.Received()) {
				arrived += value
			}
			assert.GreaterOrEqual(t, arrived, float64(acknowledged.Load()), "tokens that arrived, against acknowledged ones")
			assert.LessOrEqual(t, arrived, float64(sent.Load()), "tokens that arrived, against those sent")
		})
	}
}

// sendTokens sends one token after the other until the collector does not take one.
func sendTokens(t *testing.T, client *harness.Client, name string, acknowledged, sent *atomic.Int64) {
	t.Helper()
	for {
		now := time.Now()
		sent.Add(1)
		if err := client.SendMetrics(t.Context(), harness.OneSum(name, now.Add(-time.Millisecond), now, 1)); err != nil {
			return
		}
		acknowledged.Add(1)
	}
}

// TestOverflow sends more streams than may be told apart, each request twice. It guarantees that the totals over all
// series stay exact, that the rest is in a series marked as overflow, and that this is counted (T5).
func TestOverflow(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: "processors: {token_ledger: {cardinality: {max_streams: 20}}}"})
	var tokens, cost float64
	for _, c := range loadAll(t) {
		require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), c.Twice().Of(capture.Metrics)))
		for _, session := range c.Sessions {
			cost += session.Cost
			for _, count := range session.Tokens {
				tokens += count
			}
		}
	}
	var page harness.Page
	harness.Eventually(t, harness.Patience, "totals", func() error {
		page = collector.Page(t)
		if got := page.Sum("claude_code_token_usage"); got != tokens {
			return fmt.Errorf("%v tokens, should be %v", got, tokens)
		}
		return nil
	})
	assert.InDelta(t, cost, page.Sum("claude_code_cost_usage"), costTolerance)
	assert.Positive(t, page.Sum("claude_code_token_usage", "otel_metric_overflow", "true"), "tokens in the overflow series")
	assert.Positive(t, outcomes(collector.SelfMetrics(t))["overflow"], "points counted as overflow")
}
