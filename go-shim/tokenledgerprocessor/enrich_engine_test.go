// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Scenario: the library's prices, and a price of the user's own, are used on logs and traces; the price file is missing.
// Guarantee: a record gets its cost by them; a missing file ends the start with an error that names it; Shutdown is
// fine without Start, and twice. Without `pricing.source` data passes untouched.
func TestLogsAreEnrichedByTheLibrary(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Pricing.Source = pricingEvents
	factory := NewFactory()
	cost := func() float64 {
		next := new(consumertest.LogsSink)
		p, err := factory.CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, next)
		require.NoError(t, err)
		assert.True(t, p.Capabilities().MutatesData)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeLogs(t.Context(), claudeLog(t, "api_request", map[string]any{"event.timestamp": "2026-11-01T00:00:00Z"})))
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
		usd, ok := firstRecord(next.AllLogs()[0]).Get("token_ledger.cost.usd")
		require.True(t, ok)
		return usd.Double()
	}
	assert.InDelta(t, 0.1675, cost(), 1e-12) // pricing.md, vector 1: what opus 5 and 4.8 cost
	cfg.Pricing.File = filepath.Join(t.TempDir(), "prices.toml")
	own := "[[price]]\nprovider = \"anthropic\"\nmodel = \"claude-opus-4-8\"\ninput = 1\noutput = 1\ncache_read = 1\ncache_write_5m = 1\nsource = \"contract\"\n"
	require.NoError(t, os.WriteFile(cfg.Pricing.File, []byte(own), 0o600))
	assert.InDelta(t, 0.113, cost(), 1e-12)

	cfg.Pricing.File += ".missing"
	traces, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, traces.Start(t.Context(), componenttest.NewNopHost()), cfg.Pricing.File)
	require.NoError(t, traces.Shutdown(t.Context()))
	unused, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, unused.Shutdown(t.Context()))
}
