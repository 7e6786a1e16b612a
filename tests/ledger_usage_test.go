package tests

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/workload"
)

// storedUsage is what a report of all time says in total.
type storedUsage struct {
	Tokens   map[string]float64 // by the attribute type
	Cost     float64            // US dollars, as reported by clients
	Sessions int
}

// exportUsage reads usage with the command line, as people do.
func exportUsage(t *testing.T, directory string) storedUsage {
	t.Helper()
	output, code := harness.Run(t, harness.Patience, harness.CommandBinary(harness.MustRoot(t)),
		"ledger", "export", directory, "--format", "json")
	require.Zero(t, code, output)
	var sheet struct {
		Totals struct {
			Input         float64 `json:"input_tokens"`
			Output        float64 `json:"output_tokens"`
			CacheRead     float64 `json:"cache_read_tokens"`
			CacheCreation float64 `json:"cache_creation_tokens"`
			Cost          string  `json:"reported_cost_usd"`
			Sessions      int     `json:"sessions"`
		} `json:"totals"`
	}
	require.NoError(t, json.Unmarshal([]byte(output), &sheet), output)
	cost, err := strconv.ParseFloat(sheet.Totals.Cost, 64)
	require.NoError(t, err, output)
	return storedUsage{map[string]float64{
		"input": sheet.Totals.Input, "output": sheet.Totals.Output,
		"cacheRead": sheet.Totals.CacheRead, "cacheCreation": sheet.Totals.CacheCreation,
	}, cost, sheet.Totals.Sessions}
}

// requireStoredUsage compares the usage kept for reports with what a finished load of mixedSources sent: it is counted
// beside the totals, and has to be as exact.
func requireStoredUsage(t *testing.T, directory string, l *workload.Load) {
	t.Helper()
	want := storedUsage{Tokens: map[string]float64{}}
	sent, _ := l.Bounds()
	for key, value := range sent {
		if strings.HasPrefix(key, "claude_code_cost_usage{") {
			want.Cost += value
		}
		for _, kind := range []string{"input", "output", "cacheRead", "cacheCreation"} {
			if strings.HasPrefix(key, "claude_code_token_usage{") && strings.Contains(key, `,type="`+kind+`"`) {
				want.Tokens[kind] += value
			}
		}
	}
	for _, c := range loadAll(t) {
		want.Sessions += len(c.Sessions)
	}
	got := exportUsage(t, directory)
	assert.Equal(t, want.Tokens, got.Tokens, "tokens")
	assert.Equal(t, want.Sessions, got.Sessions, "sessions")
	assert.InDelta(t, want.Cost, got.Cost, costTolerance*max(1, want.Cost), "cost")
}
