// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Scenario: a price file that names a currency.
// Guarantee: its rate goes out as a gauge, so that a query can show costs in it; dollars stay dollars.
func TestCurrencyGoesOut(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Pricing.Source = pricingMetrics
	cfg.Pricing.File = filepath.Join(t.TempDir(), "prices.toml")
	require.NoError(t, os.WriteFile(cfg.Pricing.File, []byte("[currency]\ncode = \"EUR\"\nper_usd = 0.875\n"), 0o600))
	sink := startPriced(t, cfg)
	require.Eventually(t, func() bool { return valueOf(sink, "token_ledger.cost") > 0 }, 10*time.Second, 10*time.Millisecond)
	assert.InDelta(t, 0.015, valueOf(sink, "token_ledger.cost"), 1e-12)
	require.Eventually(t, func() bool { return len(gaugesOf(sink, "token_ledger.currency.rate")) > 0 }, 10*time.Second, 10*time.Millisecond)
	rate := gaugesOf(sink, "token_ledger.currency.rate")[0]
	assert.InDelta(t, 0.875, rate.DoubleValue(), 0)
	assert.Equal(t, map[string]any{"currency": "EUR"}, rate.Attributes().AsRaw())
}

func gaugesOf(sink *consumertest.MetricsSink, name string) (points []pmetric.NumberDataPoint) {
	for _, md := range sink.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Name() == name {
						for _, point := range m.Gauge().DataPoints().All() {
							points = append(points, point)
						}
					}
				}
			}
		}
	}
	return points
}
