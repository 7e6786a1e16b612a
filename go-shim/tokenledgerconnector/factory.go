// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/pricing"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// factory knows whether one of its connectors is in use: components in other pipelines ask for it (events.CountedIn).
type factory struct {
	connector.Factory
	inUse atomic.Int64
	open  openTable
}

var _ events.Counter = (*factory)(nil)

// NewFactory returns the factory of the connector `token_ledger`. One factory serves one collector.
func NewFactory() connector.Factory {
	return newFactory(func(settings pricing.Settings) priceTable { return pricing.New(settings) })
}

func newFactory(open openTable) *factory {
	f := &factory{open: open}
	f.Factory = connector.NewFactory(
		metadata.Type,
		createDefaultConfig,
		connector.WithLogsToMetrics(f.createLogsToMetrics, metadata.LogsToMetricsStability),
		connector.WithTracesToMetrics(f.createTracesToMetrics, metadata.TracesToMetricsStability),
	)
	return f
}

// CountsEvents tells whether a connector of this collector counts events.
func (f *factory) CountsEvents() bool { return f.inUse.Load() > 0 }

func (f *factory) createLogsToMetrics(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Logs, error) {
	return f.create(set, cfg, next)
}

func (f *factory) createTracesToMetrics(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Traces, error) {
	return f.create(set, cfg, next)
}

func (f *factory) create(set connector.Settings, cfg component.Config, next consumer.Metrics) (*countingConnector, error) {
	c, err := newConnector(set, cfg.(*Config), next, f.open)
	if err != nil {
		return nil, err
	}
	f.inUse.Add(1)
	c.ended = sync.OnceFunc(func() { f.inUse.Add(-1) })
	return c, nil
}
