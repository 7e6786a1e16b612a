package tests

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// keepsEvents is a configuration that writes records and spans to a file.
func keepsEvents(file, prices string) string {
	return fmt.Sprintf(`
processors: {token_ledger: {pricing: {file: %q}}}
exporters: {file: {path: %q, flush_interval: 100ms}}
service: {pipelines: {logs: {exporters: [file]}, traces: {exporters: [file]}}}
`, prices, file)
}

// keptEvents are the attributes of all records and spans of a file, by the attribute test.name.
func keptEvents(path string) (map[string]map[string]any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	out := map[string]map[string]any{}
	keep := func(attributes pcommon.Map) {
		name, _ := attributes.Get("test.name")
		out[name.AsString()] = attributes.AsRaw()
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(lines.Bytes())
		if err != nil {
			return nil, err
		}
		for _, rl := range ld.ResourceLogs().All() {
			keep(rl.ScopeLogs().At(0).LogRecords().At(0).Attributes())
		}
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(lines.Bytes())
		if err != nil {
			return nil, err
		}
		for _, rs := range td.ResourceSpans().All() {
			keep(rs.ScopeSpans().At(0).Spans().At(0).Attributes())
		}
	}
	return out, lines.Err()
}

// Scenario: requests of a known and of an unknown model, as records of Claude Code and as GenAI spans, and what is no
// request, on their way to a file; a record claims a cost of ours. The price file has a discount and a currency. Costs are
// counted from metrics, or from events.
// Guarantee: requests get the cost by the price table, at list price too, and in the currency; the client's own cost
// stays. An unknown model has a status and no cost, what is no request has nothing, what was claimed is gone.
func TestRecordsAndSpansGetCosts(t *testing.T) {
	t.Parallel()
	prices := filepath.Join(t.TempDir(), "prices.toml")
	replaceAtOnce(t, prices, `version = "contract-1"
[[discount]]
provider = "anthropic"
model = "claude-opus-5-5"
percent = 10
[currency]
code = "EUR"
per_usd = 0.5
`)
	for _, ready := range []string{"default.yaml", fromEvents} {
		t.Run(ready, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "events.json")
			config := keepsEvents(file, prices)
			if ready == fromEvents { // a connector that nothing feeds is an error
				config += "connectors: {token_ledger: {pricing: {file: " + prices + "}}}\n"
				config = strings.ReplaceAll(config, "[file]", "[token_ledger, file]")
			}
			collector := harness.StartCollector(t, harness.Setup{Base: ready, Config: config})
			sendEventsToBeKept(t, collector.Client(t, harness.HTTPGzip))
			var kept map[string]map[string]any
			harness.Eventually(t, harness.Patience, "records and spans in the file", func() (err error) {
				if kept, err = keptEvents(file); err == nil && len(kept) < 5 {
					err = errors.New("not all yet")
				}
				return err
			})

			record := kept["record"]
			// 1,000 × 4 + 100 × 20 + 10,000 × 0.20 + 400 × 5 + 600 × 8 dollars per million
			assert.InDelta(t, 0.0148, record["token_ledger.cost.list_usd"], costTolerance)
			assert.InDelta(t, 0.0148*0.9, record["token_ledger.cost.usd"], costTolerance)
			assert.InDelta(t, 0.0148*0.9*0.5, record["token_ledger.cost.amount"], costTolerance)
			assert.InDelta(t, 10_000*(4-0.2)*0.9/1e6, record["token_ledger.cost.savings_usd"], costTolerance)
			assert.Equal(t, 0.77, record["cost_usd"], "what the client reports stays")
			for name, value := range map[string]any{"status": "priced", "currency": "EUR", "currency_rate": 0.5, "cache_writes": "given"} {
				assert.Equal(t, value, record["token_ledger.cost."+name], name)
			}
			assert.Contains(t, record["token_ledger.cost.price_table"], "contract-1")
			assert.InDelta(t, (1000*4+100*20)*0.9/1e6, kept["span"]["token_ledger.cost.usd"], costTolerance)
			assert.Equal(t, "priced", kept["span"]["token_ledger.cost.status"])
			for _, name := range []string{"unknown record", "unknown span"} {
				assert.Equal(t, "unpriced", kept[name]["token_ledger.cost.status"], name)
				assert.NotEmpty(t, kept[name]["token_ledger.cost.reason"], name)
				for _, amount := range []string{"usd", "list_usd", "savings_usd", "amount"} {
					assert.NotContains(t, kept[name], "token_ledger.cost."+amount, name)
				}
			}
			for name := range kept["prompt"] {
				assert.NotContains(t, name, "token_ledger.", "what is no request")
			}
		})
	}
}

func sendEventsToBeKept(t *testing.T, client *harness.Client) {
	t.Helper()
	sendLogs(t, client, event("api_request", map[string]any{
		"test.name": "record", "session.id": "s", "request_id": "1", "model": "claude-opus-5-5", "input_tokens": 1000, "output_tokens": 100,
		"cache_read_tokens": 10_000, "cache_creation_tokens": 1000, "cache_creation_5m_tokens": 400, "cache_creation_1h_tokens": 600,
		"cost_usd": 0.77, "token_ledger.cost.usd": 1e6, "token_ledger.cost.status": "gift",
	}))
	sendLogs(t, client, event("api_request", map[string]any{
		"test.name": "unknown record", "session.id": "s", "request_id": "2", "model": "nobody-knows-1", "input_tokens": 1000, "token_ledger.cost.usd": 1e6,
	}))
	sendLogs(t, client, event("user_prompt", map[string]any{"test.name": "prompt", "session.id": "s", "token_ledger.cost.usd": 1e6}))
	inference := func(name, model string) map[string]any {
		return map[string]any{
			"test.name": name, "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": model,
			"gen_ai.response.id": name, "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
		}
	}
	sendTraces(t, client, span(inference("span", "claude-opus-5-5")))
	sendTraces(t, client, span(inference("unknown span", "nobody-knows-1")))
}
