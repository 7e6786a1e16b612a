package tests

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// hourShare is the part of the recorded cache writes that lives for an hour (tests/data/captures: 4,000 tokens of each
// call live for five minutes, 321 for an hour). Clients' metrics do not tell it, so tests do.
const hourShare = 321.0 / 4321

// halfMicroDollar is how far a cost may be off that is right to the last micro-dollar. A share is applied in millionths,
// so costs from metrics are not exact to the last digit.
const halfMicroDollar = 0.5e-6

// listPrices are dollars per million tokens of the recorded models, by type: Anthropic's pricing page of 2026-08-22.
// Written here by hand, because the table that is compiled in is what the tests try.
var listPrices = map[string]map[string]float64{
	"claude-sonnet-4-5-20250929": {
		"input": 3, "output": 15, "cache_read": 0.30, "cache_creation": 3.75*(1-hourShare) + 6*hourShare,
	},
	"claude-opus-4-8": {
		"input": 5, "output": 25, "cache_read": 0.50, "cache_creation": 6.25*(1-hourShare) + 10*hourShare,
	},
}

// typesOf are the types of tokens as costs have them, by how Claude Code's metrics write them.
var typesOf = map[string]string{
	"input": "input", "output": "output", "cacheRead": "cache_read", "cacheCreation": "cache_creation",
}

// costsOf is what the tokens of a recorded session cost, by type. Together that is what the client reports.
func costsOf(t *testing.T, session capture.Session) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	var sum float64
	for kind, tokens := range session.Tokens {
		price, known := listPrices[session.Model][typesOf[kind]]
		require.True(t, known, "%s of %s", kind, session.Model)
		out[typesOf[kind]] = tokens * price / 1e6
		sum += out[typesOf[kind]]
	}
	require.InDelta(t, session.Cost, sum, costTolerance, "the client's own cost")
	return out
}

// requireCosts checks the computed cost of each session of a capture, by type and together.
func requireCosts(t *testing.T, page harness.Page, source string, c capture.Capture, tolerance float64) {
	t.Helper()
	for _, session := range c.Sessions {
		of := []string{"source", source, "session_id", session.ID, "model", session.Model, "agent", "claude-code", "provider", "anthropic"}
		for kind, cost := range costsOf(t, session) {
			got := page.Sum("token_ledger_cost_USD_total", append([]string{"type", kind}, of...)...)
			assert.InDelta(t, cost, got, tolerance, "%s of %s (%s)", kind, c.Name, session.Model)
		}
		assert.InDelta(t, session.Cost, page.Sum("token_ledger_cost_USD_total", of...), tolerance, "%s (%s)", c.Name, session.Model)
		assert.Len(t, page.Find("token_ledger_cost_USD_total", "session_id", session.ID), len(session.Tokens), "series of %s", c.Name)
	}
}

// requireSumsOfCosts checks computed costs by model and type where sessions are not told apart, of all captures and each
// a number of times. Without models it adds these up as well.
func requireSumsOfCosts(t *testing.T, page harness.Page, times float64, withModels bool) {
	t.Helper()
	want := map[[2]string]float64{}
	sessions := 0.0
	for _, c := range loadAll(t) {
		for _, session := range c.Sessions {
			sessions += times
			for kind, cost := range costsOf(t, session) {
				model := ""
				if withModels {
					model = session.Model
				}
				want[[2]string{model, kind}] += times * cost
			}
		}
	}
	for of, cost := range want {
		assert.InDelta(t, cost, page.Sum("token_ledger_cost_USD_total", "model", of[0], "type", of[1]), sessions*halfMicroDollar, "%v", of)
	}
}

// requireDifference checks that the metric of differences is what clients report less what was computed. It has as many
// roundings as sessions.
func requireDifference(t *testing.T, page harness.Page, sessions int, labels ...string) {
	t.Helper()
	found := page.Find("token_ledger_cost_difference_USD", labels...)
	require.NotEmpty(t, found, "differences of %v", labels)
	reported, computed := page.Sum("claude_code_cost_usage", labels...), page.Sum("token_ledger_cost_USD_total", labels...)
	require.Positive(t, reported)
	difference := page.Sum("token_ledger_cost_difference_USD", labels...)
	assert.InDelta(t, reported-computed, difference, costTolerance, "difference of %v", labels)
	assert.InDelta(t, 0, difference, float64(sessions)*halfMicroDollar, "difference of %v", labels)
}

// pricedByMetrics are the settings that price the recorded sessions as they were charged.
func pricedByMetrics(more string) string {
	return fmt.Sprintf("processors: {token_ledger: {pricing: {source: metrics, cache_writes: %q}%s}}", fmt.Sprint(hourShare), more)
}
