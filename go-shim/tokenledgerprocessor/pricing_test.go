// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Scenario: tokens of a session arrive at a processor that prices them, with a rule that drops the model.
// Guarantee: the clients' metric goes out without it, the cost with it, its scope and its description say what it is.
func TestTokensArePriced(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Pricing.Source = pricingMetrics
	cfg.Cardinality.Rules = []RuleConfig{{Metrics: []string{"claude_code.*"}, Drop: []string{"model", "session.id"}}}
	sink := startPriced(t, cfg)
	require.Eventually(t, func() bool { return valueOf(sink, "token_ledger.cost") > 0 }, 10*time.Second, 10*time.Millisecond)
	assert.InDelta(t, 0.015, valueOf(sink, "token_ledger.cost"), 1e-12)
	assert.InDelta(t, 1000, valueOf(sink, "claude_code.token.usage"), 0)
	metric, scope, point := find(sink, "token_ledger.cost")
	assert.Equal(t, map[string]any{
		"agent": "claude-code", "model": "claude-sonnet-4-5", "provider": "anthropic", "type": "output", "source": "metrics",
	}, point.Attributes().AsRaw())
	assert.Equal(t, "USD", metric.Unit())
	assert.Contains(t, metric.Description(), "not a bill")
	assert.Contains(t, metric.Description(), "Cache writes")
	assert.True(t, metric.Sum().IsMonotonic())
	assert.Equal(t, "tokenledger", scope)
	_, _, tokens := find(sink, "claude_code.token.usage")
	assert.Equal(t, map[string]any{"type": "output"}, tokens.Attributes().AsRaw())
}

// Scenario: a user's price file, with a price of the user's own; one that does not exist.
// Guarantee: the first is used, the second ends the start with an error that names it.
func TestPriceFile(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Pricing.Source = pricingMetrics
	cfg.Pricing.File = filepath.Join(t.TempDir(), "prices.toml")
	own := "[[price]]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4-5\"\ninput = 1\noutput = 2\nsource = \"contract\"\n"
	require.NoError(t, os.WriteFile(cfg.Pricing.File, []byte(own), 0o600))
	sink := startPriced(t, cfg)
	require.Eventually(t, func() bool { return valueOf(sink, "token_ledger.cost") > 0 }, 10*time.Second, 10*time.Millisecond)
	assert.InDelta(t, 0.002, valueOf(sink, "token_ledger.cost"), 1e-12)

	cfg.Pricing.File += ".missing"
	p, err := NewFactory().CreateMetrics(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, p.Start(t.Context(), componenttest.NewNopHost()), cfg.Pricing.File)
	require.NoError(t, p.Shutdown(t.Context()))
}

// countingHost is a collector with, or without, a connector that counts events.
type countingHost struct {
	component.Host
	counts bool
}

type countingFactory struct {
	component.Factory
	counts bool
}

func (f countingFactory) CountsEvents() bool { return f.counts }

func (h countingHost) GetFactory(kind component.Kind, name component.Type) component.Factory {
	if kind != component.KindConnector || name != events.ConnectorType {
		return nil
	}
	return countingFactory{counts: h.counts}
}

// Scenario: a collector whose connector counts the tokens of events beside a processor that counts those of metrics.
// Guarantee: it does not start, and says what to do; unless the user wants both, or only one of them counts.
func TestTwoCountsAreRefused(t *testing.T) {
	for _, c := range []struct {
		source, beside  string
		counts, refused bool
	}{
		{pricingMetrics, besideEventsRefuse, true, true},
		{pricingMetrics, besideEventsRefuse, false, false},
		{pricingMetrics, besideEventsMark, true, false},
		{pricingEvents, besideEventsRefuse, true, false},
		{pricingNone, besideEventsRefuse, true, false},
	} {
		cfg := createDefaultConfig().(*Config)
		cfg.Pricing.Source, cfg.Pricing.BesideEvents = c.source, c.beside
		p, err := NewFactory().CreateMetrics(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
		require.NoError(t, err)
		err = p.Start(t.Context(), countingHost{componenttest.NewNopHost(), c.counts})
		if c.refused {
			require.ErrorContains(t, err, "a connector token_ledger counts the tokens of logs or traces")
			require.ErrorContains(t, err, `set pricing.source to "events"`)
		} else {
			require.NoError(t, err)
		}
		require.NoError(t, p.Shutdown(context.Background()))
	}
}

// startPriced sends 1,000 tokens of output to a processor, which ends with the test.
func startPriced(t *testing.T, cfg *Config) *consumertest.MetricsSink {
	t.Helper()
	sink := new(consumertest.MetricsSink)
	p, err := NewFactory().CreateMetrics(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
	md := pmetric.NewMetrics()
	metric := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("claude_code.token.usage")
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	point := sum.DataPoints().AppendEmpty()
	now := time.Now()
	point.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Second)))
	point.SetTimestamp(pcommon.NewTimestampFromTime(now))
	point.SetDoubleValue(1000)
	require.NoError(t, point.Attributes().FromRaw(map[string]any{"session.id": "s", "model": "claude-sonnet-4-5", "type": "output"}))
	require.NoError(t, p.ConsumeMetrics(t.Context(), md))
	return sink
}

// find returns the last point of a metric that went out.
func find(sink *consumertest.MetricsSink, name string) (metric pmetric.Metric, scope string, point pmetric.NumberDataPoint) {
	metric, point = pmetric.NewMetric(), pmetric.NewNumberDataPoint()
	for _, md := range sink.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Name() == name {
						metric, scope, point = m, sm.Scope().Name(), m.Sum().DataPoints().At(m.Sum().DataPoints().Len()-1)
					}
				}
			}
		}
	}
	return metric, scope, point
}

func valueOf(sink *consumertest.MetricsSink, name string) float64 {
	_, _, point := find(sink, name)
	return point.DoubleValue()
}
