// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/events/eventstest"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// priced returns what enriches by a test's prices.
func priced(t *testing.T, prices *eventstest.Prices) *enricher {
	t.Helper()
	writes, err := events.ParseCacheWrites(events.CacheWritesAuto)
	require.NoError(t, err)
	return &enricher{prices: prices, writes: writes, names: defaultCostAttributes()}
}

// throughLogs is what becomes of logs in a processor.
func throughLogs(t *testing.T, e *enricher, ld plog.Logs) plog.Logs {
	t.Helper()
	next := new(consumertest.LogsSink)
	p, err := newLogsProcessorWith(t.Context(), processortest.NewNopSettings(metadata.Type), next, &receivedData{}, newAttributionPart(nil), e)
	require.NoError(t, err)
	assert.True(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeLogs(t.Context(), ld))
	require.NoError(t, p.Shutdown(t.Context()))
	return next.AllLogs()[0]
}

// throughTraces is what becomes of traces in a processor.
func throughTraces(t *testing.T, e *enricher, td ptrace.Traces) ptrace.Traces {
	t.Helper()
	next := new(consumertest.TracesSink)
	p, err := newTracesProcessorWith(t.Context(), processortest.NewNopSettings(metadata.Type), next, &receivedData{}, newAttributionPart(nil), e)
	require.NoError(t, err)
	assert.True(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeTraces(t.Context(), td))
	require.NoError(t, p.Shutdown(t.Context()))
	return next.AllTraces()[0]
}

// claudeLog returns logs with one record of Claude Code.
func claudeLog(t *testing.T, event string, attributes map[string]any) plog.Logs {
	t.Helper()
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	sl.Scope().SetName("com.anthropic.claude_code.events")
	record := sl.LogRecords().AppendEmpty()
	record.Body().SetStr("claude_code." + event)
	all := map[string]any{"event.name": event, "model": "claude-opus-4-8", "input_tokens": 1000, "output_tokens": 2000, "cache_read_tokens": 100_000, "cache_creation_tokens": 10_000, "cost_usd": 0.5}
	for name, value := range attributes {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	require.NoError(t, record.Attributes().FromRaw(all))
	return ld
}

// ours are the attributes that begin with the project's prefix.
func ours(attributes pcommon.Map) map[string]any {
	found := map[string]any{}
	for key, value := range attributes.All() {
		if strings.HasPrefix(key, ownPrefix) {
			found[key] = value.AsRaw()
		}
	}
	return found
}

func firstRecord(ld plog.Logs) pcommon.Map {
	return ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
}

// Scenario: requests of a known model, with a discount and a currency, of an unknown model, without tokens; an error and
// another event. The client writes attributes under our names itself.
// Guarantee: a priced request gets its cost, everything else no amount; what the client reports stays; what it forges is
// gone.
func TestCostOnLogRecords(t *testing.T) {
	forged := map[string]any{"token_ledger.cost.usd": 999.0, "token_ledger.team": "mine"}
	with := func(attributes map[string]any) map[string]any {
		all := map[string]any{}
		for _, from := range []map[string]any{forged, attributes} {
			for name, value := range from {
				all[name] = value
			}
		}
		return all
	}
	for _, c := range []struct {
		name, event string
		attributes  map[string]any
		prices      *eventstest.Prices
		want        map[string]any
	}{
		{"priced", "api_request", nil, &eventstest.Prices{}, map[string]any{
			"token_ledger.cost.usd": 0.1675, "token_ledger.cost.savings_usd": 0.45, "token_ledger.cost.status": "priced",
			"token_ledger.cost.price_table": "test", "token_ledger.cost.cache_writes": "assumed_5m",
		}},
		{"discount and currency", "api_request", map[string]any{"cache_creation_tokens": 0}, &eventstest.Prices{Discount: 50, Code: "EUR", PerUSD: 2}, map[string]any{
			"token_ledger.cost.usd": 0.0525, "token_ledger.cost.list_usd": 0.105, "token_ledger.cost.savings_usd": 0.45, "token_ledger.cost.status": "priced",
			"token_ledger.cost.price_table": "test", "token_ledger.cost.amount": 0.105, "token_ledger.cost.currency": "EUR", "token_ledger.cost.currency_rate": 2.0,
		}},
		{"lifetimes given", "api_request", map[string]any{"cache_creation_5m_tokens": 9000, "cache_creation_1h_tokens": 1000}, &eventstest.Prices{}, map[string]any{
			"token_ledger.cost.usd": 0.17125, "token_ledger.cost.savings_usd": 0.45, "token_ledger.cost.status": "priced",
			"token_ledger.cost.price_table": "test", "token_ledger.cost.cache_writes": "given",
		}},
		{"unknown model", "api_request", map[string]any{"model": "claude-opus-9"}, &eventstest.Prices{Code: "EUR", PerUSD: 2}, map[string]any{
			"token_ledger.cost.status": "unpriced", "token_ledger.cost.reason": "unknown_model", "token_ledger.cost.price_table": "test",
		}},
		{"no tokens", "api_request", map[string]any{"input_tokens": nil, "output_tokens": nil, "cache_read_tokens": nil, "cache_creation_tokens": nil}, &eventstest.Prices{}, map[string]any{
			"token_ledger.cost.status": "unpriced", "token_ledger.cost.reason": "no_tokens", "token_ledger.cost.price_table": "test",
		}},
		{"error", "api_error", nil, &eventstest.Prices{}, map[string]any{}},
		{"another event", "user_prompt", nil, &eventstest.Prices{}, map[string]any{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			attributes := firstRecord(throughLogs(t, priced(t, c.prices), claudeLog(t, c.event, with(c.attributes))))
			assert.Equal(t, c.want, ours(attributes))
			reported, ok := attributes.Get("cost_usd")
			require.True(t, ok)
			assert.InDelta(t, 0.5, reported.Double(), 0)
		})
	}
}

// Scenario: names of the attributes are configured: one is changed, one is left out.
// Guarantee: what is written has these names, and a client that writes them is not believed either.
func TestNamesOfCostAttributes(t *testing.T) {
	e := priced(t, &eventstest.Prices{})
	e.names = costAttributes{USD: "gen_ai.usage.cost.amount", Status: "cost.status"}
	attributes := firstRecord(throughLogs(t, e, claudeLog(t, "api_request", map[string]any{"cost.status": "forged", "gen_ai.usage.cost.amount": 7.0})))
	got := attributes.AsRaw()
	assert.InDelta(t, 0.1675, got["gen_ai.usage.cost.amount"], 0)
	assert.Equal(t, "priced", got["cost.status"])
	assert.Empty(t, ours(attributes))
	forged := firstRecord(throughLogs(t, e, claudeLog(t, "api_error", map[string]any{"cost.status": "forged"})))
	_, there := forged.Get("cost.status")
	assert.False(t, there)
}

// Scenario: the wire samples of every agent go through the processor.
// Guarantee: every answered request, and nothing else, says whether it is priced; records and spans differ from what
// came in by our attributes only.
func TestEveryAgentIsEnriched(t *testing.T) {
	const samples = "../tokenledgerconnector/testdata/golden"
	for name, requests := range map[string]int{"claude-code": 3, "claude-code-strings": 2, "codex": 1, "gemini-cli": 2, "qwen-code": 1, "cline": 2, "opencode": 1} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(samples, name, "input-1.logs.json"))
			require.NoError(t, err)
			ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(text)
			require.NoError(t, err)
			before := plog.NewLogs()
			ld.CopyTo(before)
			after := throughLogs(t, priced(t, &eventstest.Prices{}), ld)
			marked := 0
			for _, record := range after.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				if _, ok := record.Attributes().Get("token_ledger.cost.status"); ok {
					marked++
				}
				record.Attributes().RemoveIf(func(key string, _ pcommon.Value) bool { return strings.HasPrefix(key, ownPrefix) })
			}
			assert.Equal(t, requests, marked)
			assert.Equal(t, before, after)
		})
	}
	for name, requests := range map[string]int{"claude-code-spans": 1, "copilot": 2, "genai": 5} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(samples, name, "input-1.traces.json"))
			require.NoError(t, err)
			td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
			require.NoError(t, err)
			before := ptrace.NewTraces()
			td.CopyTo(before)
			after := throughTraces(t, priced(t, &eventstest.Prices{}), td)
			marked := 0
			for _, rs := range after.ResourceSpans().All() {
				for _, span := range rs.ScopeSpans().At(0).Spans().All() {
					if _, ok := span.Attributes().Get("token_ledger.cost.status"); ok {
						marked++
					}
					span.Attributes().RemoveIf(func(key string, _ pcommon.Value) bool { return strings.HasPrefix(key, ownPrefix) })
				}
			}
			assert.Equal(t, requests, marked)
			assert.Equal(t, before, after)
		})
	}
}
