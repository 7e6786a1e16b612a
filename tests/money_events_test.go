package tests

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// fromEvents is the ready configuration that counts requests in logs and traces.
const fromEvents = "events.yaml"

// eventVariants are the ways in which logs may arrive without changing what they tell.
var eventVariants = []struct {
	name   string
	change func(testing.TB, capture.Capture) capture.Capture
}{
	{"as captured", func(_ testing.TB, c capture.Capture) capture.Capture { return c }},
	{"each request twice", func(_ testing.TB, c capture.Capture) capture.Capture { return c.Twice() }},
	{"all requests once more", func(_ testing.TB, c capture.Capture) capture.Capture { return c.Repeated() }},
	{"other batches", func(tb testing.TB, c capture.Capture) capture.Capture { return c.EventsRebatched(tb) }},
}

// hourWrites are the recorded tokens of a session that are kept for an hour.
const hourWrites = 3210

// assumedTooLittle is what a session is priced too low where the client does not tell that some caches live for an
// hour: the recorded clients were nobody's who is signed in, so five minutes are assumed. Zero where the client tells.
func assumedTooLittle(c capture.Capture, session capture.Session) float64 {
	if strings.HasPrefix(c.Name, "2.1.329") {
		return 0
	}
	return hourPremium(session)
}

// hourPremium is what a recorded session's writes for an hour cost more than writes for five minutes.
func hourPremium(session capture.Session) float64 {
	return hourWrites * map[string]float64{"claude-sonnet-4-5-20250929": 6 - 3.75, "claude-opus-4-8": 10 - 6.25}[session.Model] / 1e6
}

// requireEventTotals checks all that the connector makes of a capture's sessions.
func requireEventTotals(t *testing.T, page harness.Page, c capture.Capture) {
	t.Helper()
	for _, session := range c.Sessions {
		of := func(labels ...string) []string {
			return append(labels, "session_id", session.ID, "model", session.Model, "source", "events", "agent", "claude-code", "provider", "anthropic")
		}
		for kind, tokens := range session.Tokens {
			assert.Equal(t, tokens, page.Sum("token_ledger_tokens_total", of("type", typesOf[kind])...), "%s of %s", kind, c.Name)
		}
		low := assumedTooLittle(c, session)
		for kind, cost := range costsOf(t, session) {
			if kind == "cache_creation" {
				cost -= low
			}
			assert.InDelta(t, cost, page.Sum("token_ledger_cost_USD_total", of("type", kind)...), costTolerance, "%s of %s", kind, c.Name)
		}
		assert.InDelta(t, session.Cost-low, page.Sum("token_ledger_cost_USD_total", of()...), costTolerance, "cost of %s", c.Name)
		assert.InDelta(t, session.Cost, page.Sum("token_ledger_cost_reported_USD_total", of()...), costTolerance, "reported cost of %s", c.Name)
		assert.InDelta(t, low, page.Sum("token_ledger_cost_difference_USD", of()...), costTolerance, "difference of %s", c.Name)
		assert.Equal(t, 10.0, page.Sum("token_ledger_requests_total", of("outcome", "ok")...), "requests of %s", c.Name)
		assert.Equal(t, 10.0, page.Sum("token_ledger_requests_total", "session_id", session.ID), "requests of %s", c.Name)
	}
}

// Scenario: all signals of every capture over every transport, with logs as captured, twice, once more at the end, and in
// batches of all and of one record; traces tell of the same requests.
// Guarantee: each request counts once. Tokens, requests and costs are exact; computed is what the client reports to the
// micro-dollar where it tells how long caches live, and else the difference is what the assumption misses. The
// client's own metrics stay what they are.
func TestCostsOfEvents(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Base: fromEvents})
	var sent []capture.Capture
	for _, transport := range harness.Transports {
		client := collector.Client(t, transport)
		for _, original := range loadAll(t) {
			for _, variant := range eventVariants {
				c := original.Renamed("events " + string(transport) + variant.name)
				require.NoError(t, client.SendAll(t.Context(), variant.change(t, c).Requests), c.Name)
				sent = append(sent, c)
			}
		}
	}
	collector.Settle(t)
	page := collector.Page(t)
	for _, c := range sent {
		requireTruth(t, page, c)
		requireEventTotals(t, page, c)
	}
	durations := 0.0
	for line := range strings.Lines(textOf(t, collector.PageURL())) {
		if value, found := strings.CutPrefix(line, "token_ledger_request_duration_seconds_count{"); found {
			count, err := strconv.ParseFloat(strings.TrimSpace(value[strings.LastIndex(value, "}")+1:]), 64)
			require.NoError(t, err)
			durations += count
		}
	}
	assert.Equal(t, float64(len(sent)*2*10), durations, "durations of two sessions of ten requests each")
	assert.Empty(t, page.Find("token_ledger_cost_USD_total", "source", "metrics"), "one source only")
	assert.Empty(t, page.Find("token_ledger_tokens_unpriced"), "all models have prices")
	assert.Empty(t, page.Find("token_ledger_data_quality_requests"), "nothing is missing")
}

// Scenario: a part of the logs arrives, the collector is asked to end or killed, and some of that is sent again, in the
// same batches, to the collector that comes after it, twice, with the rest.
// Guarantee: each request counts once: the connector makes the same points again, and the ledger remembers them.
func TestCostsOfEventsAfterARestart(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *harness.Collector){
		"asked to end": func(t *testing.T, c *harness.Collector) { assert.Zero(t, c.Stop(t, gracePeriod)) },
		"killed":       func(t *testing.T, c *harness.Collector) { c.Kill(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Base: fromEvents})
			all := loadAll(t)
			for i, c := range all {
				logs := c.Of(capture.Logs)
				client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
				require.NoError(t, client.SendAll(t.Context(), logs[:len(logs)/2]))
			}
			end(t, collector)
			collector = collector.Restart(t)
			for i, c := range all {
				logs := c.Of(capture.Logs)
				rest := c.WithRequests(logs[len(logs)/4:])
				client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
				require.NoError(t, client.SendAll(t.Context(), rest.Repeated().Requests))
			}
			collector.Settle(t)
			for _, c := range all {
				requireEventTotals(t, collector.Page(t), c)
			}
		})
	}
}

// Scenario: the captures with the trimming that events.yaml suggests.
// Guarantee: no session is told apart, of the client's metrics and of ours, and the sums by model are exact.
func TestCostsOfEventsTrimmed(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{
		Base:   fromEvents,
		Config: "processors: {token_ledger: {" + suggestedRules(t, fromEvents) + "}}",
	})
	costs, tokens := map[string]float64{}, map[string]float64{}
	for i, c := range loadAll(t) {
		client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
		require.NoError(t, client.SendAll(t.Context(), c.Repeated().Requests))
		for _, session := range c.Sessions {
			costs[session.Model] += session.Cost - assumedTooLittle(c, session)
			for kind, count := range session.Tokens {
				tokens[typesOf[kind]] += count
			}
		}
	}
	collector.Settle(t)
	page := collector.Page(t)
	for model, cost := range costs {
		assert.InDelta(t, cost, page.Sum("token_ledger_cost_USD_total", "model", model), costTolerance, model)
	}
	for kind, count := range tokens {
		assert.Equal(t, count, page.Sum("token_ledger_tokens_total", "type", kind), kind)
	}
	for _, series := range page {
		if strings.HasPrefix(series.Name, "claude_code") || strings.HasPrefix(series.Name, "token_ledger") {
			assert.NotContains(t, series.Labels, "session_id", series.Name)
		}
	}
}
