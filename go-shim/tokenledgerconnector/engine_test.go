// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerconnector

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// Scenario: recorded sessions of a client that tells the lifetime of caches, and wire samples of other agents, are priced
// by the library's own table.
// Guarantee: each session costs what its client says, to 10⁻¹² dollars. Vectors of the pricing rules: 300,000 tokens
// that contain 250,000 of a cache, beyond the threshold of 272,000, cost 0.4875 dollars with 5,000 of output (Codex);
// thoughts are paid for (Gemini CLI, 0.055 dollars for the first request of two).
func TestLibraryPrices(t *testing.T) {
	next := new(consumertest.MetricsSink)
	factory := NewFactory()
	c, err := factory.CreateLogsToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), factory.CreateDefaultConfig(), next)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	dir := filepath.Join(captures, "claude-code-2.1.329", "two-sessions-json")
	for _, ld := range capturedLogs(t, dir) {
		require.NoError(t, c.ConsumeLogs(t.Context(), ld))
	}
	for _, session := range capturedTruth(t, dir).Sessions {
		of := map[string]string{"session.id": session.ID, "provider": "anthropic"}
		assert.InDelta(t, session.Cost, total(next.AllMetrics(), "token_ledger.cost", of), 1e-12)
		assert.Zero(t, total(next.AllMetrics(), "token_ledger.cost.difference", of))
		assert.Positive(t, total(next.AllMetrics(), "token_ledger.cost.savings", of))
	}
	for _, agent := range []string{"codex", "gemini-cli", "claude-code"} {
		require.NoError(t, c.ConsumeLogs(t.Context(), readLogs(t, filepath.Join("testdata", "golden", agent, "input-1.logs.json"))))
	}
	all := next.AllMetrics()
	assert.InDelta(t, 0.4875, total(all, "token_ledger.cost", map[string]string{"agent": "codex"}), 1e-12)
	assert.InDelta(t, 0.055+0.0013+0.001, total(all, "token_ledger.cost", map[string]string{"agent": "gemini-cli"}), 1e-12)
	// A sample of a client that is signed in, and does not tell the lifetime: it wrote for an hour.
	assert.InDelta(t, 0.00276519+0.0000028+0.00016, total(all, "token_ledger.cost", map[string]string{"model": "claude-haiku-5-5"}), 1e-12)
	require.NoError(t, c.Shutdown(t.Context()))
}
