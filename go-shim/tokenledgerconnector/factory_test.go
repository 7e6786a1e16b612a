// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/events/eventstest"
	"github.com/tokenledger/tokenledger/go-shim/internal/pricing"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// Scenario: the collector asks the factory what it makes.
// Guarantee: `token_ledger`, alpha for logs and traces to metrics, with defaults that validate.
func TestFactory(t *testing.T) {
	factory := NewFactory()
	assert.Equal(t, events.ConnectorType, factory.Type())
	assert.Equal(t, component.StabilityLevelAlpha, factory.LogsToMetricsStability())
	assert.Equal(t, component.StabilityLevelAlpha, factory.TracesToMetricsStability())
	require.NoError(t, confmap.Validate(factory.CreateDefaultConfig()))
	assert.Equal(t, events.ConnectorScope, "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector")
}

// host is a collector with these connectors.
type host struct {
	component.Host
	connectors map[component.Type]component.Factory
}

func (h host) GetFactory(kind component.Kind, of component.Type) component.Factory {
	if kind != component.KindConnector {
		return nil
	}
	return h.connectors[of]
}

// Scenario: a collector contains the connector, uses it, and stops using it.
// Guarantee: other components see that events are counted exactly while it is in use; a host that cannot tell means no.
func TestCountsEvents(t *testing.T) {
	f := newFactory(testPrices)
	collector := host{componenttest.NewNopHost(), map[component.Type]component.Factory{f.Type(): f}}
	assert.False(t, events.CountedIn(collector))
	c, err := f.CreateLogsToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), f.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	assert.True(t, events.CountedIn(collector))
	assert.True(t, c.(events.Counter).CountsEvents())
	require.NoError(t, c.Shutdown(t.Context()))
	require.NoError(t, c.Shutdown(t.Context()))
	assert.False(t, events.CountedIn(collector))
	assert.False(t, events.CountedIn(host{componenttest.NewNopHost(), nil}))
	assert.False(t, events.CountedIn(componenttest.NewNopHost()))
}

// Scenario: a connector is made with a price file, started, used, and shut down; data comes too early and too late. One
// whose price file cannot be used is started.
// Guarantee: the price table gets the settings, and is closed in the end; data outside the life of the connector is
// refused, so that its sender keeps it; the start fails with the table's reason.
func TestLifeOfTheConnector(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Pricing.File, cfg.Pricing.ReloadInterval = "/prices.toml", time.Minute
	table := &testTable{}
	f := newFactory(func(settings pricing.Settings) priceTable {
		table.settings = settings
		return table
	})
	next := new(consumertest.MetricsSink)
	c, err := f.CreateLogsToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(t, err)
	require.ErrorIs(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r", nil)), errNotRunning)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r", nil)))
	require.NoError(t, c.Shutdown(t.Context()))
	require.ErrorIs(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r2", nil)), errNotRunning)
	assert.Equal(t, "/prices.toml", table.settings.File)
	assert.Equal(t, time.Minute, table.settings.ReloadInterval)
	assert.Equal(t, 1, table.closed)
	assert.Len(t, next.AllMetrics(), 1)

	table.failure = errors.New("line 1: not a price")
	traces, err := f.CreateTracesToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(t, err)
	require.ErrorIs(t, traces.Start(t.Context(), componenttest.NewNopHost()), table.failure)
	require.NoError(t, traces.Shutdown(t.Context()))
}

// Scenario: an account with a discount, in a currency of its own.
// Guarantee: cost is after the discount, in dollars; the difference is what the client says less that.
func TestDiscount(t *testing.T) {
	next := new(consumertest.MetricsSink)
	c, err := newConnector(connectortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), next, func(pricing.Settings) priceTable {
		return &testTable{Prices: eventstest.Prices{Discount: 50, Code: "EUR", PerUSD: 0.9}}
	})
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r", map[string]any{"cache_read_tokens": int64(0), "cache_creation_tokens": int64(0), "input_tokens": int64(1e6), "output_tokens": int64(0), "cost_usd": 5.0})))
	require.NoError(t, c.Shutdown(t.Context()))
	assert.InDelta(t, 2.5, total(next.AllMetrics(), "token_ledger.cost", nil), 0)
	assert.InDelta(t, 2.5, total(next.AllMetrics(), "token_ledger.cost.difference", nil), 0)
}
