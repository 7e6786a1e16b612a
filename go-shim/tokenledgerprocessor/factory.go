// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// factory holds what all instances of one collector share.
type factory struct {
	received    receivedData
	attributors attributors
}

// attributor returns the one that all pipelines of a component share, nil if attribution is off.
func (f *factory) attributor(set processor.Settings, cfg component.Config) *attributor {
	return f.attributors.of(set.ID, &cfg.(*Config).Attribution, set.Logger)
}

// NewFactory returns the factory of the processor `token_ledger`. One factory serves one collector: its processors
// share the record of when data of each signal was last received.
func NewFactory() processor.Factory {
	f := &factory{}
	return processor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		processor.WithMetrics(f.createMetrics, metadata.MetricsStability),
		processor.WithLogs(f.createLogs, metadata.LogsStability),
		processor.WithTraces(f.createTraces, metadata.TracesStability),
	)
}

// createMetrics makes one instance with an engine of its own for each metrics pipeline: if two pipelines shared an
// engine, the second pipeline's copy of a request would look like a retransmission of the first one's (D3a).
func (f *factory) createMetrics(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	return newMetricsProcessor(set, cfg.(*Config), next, &f.received, f.attributor(set, cfg))
}

func (f *factory) createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	return newLogsProcessor(ctx, set, cfg, next, &f.received, f.attributor(set, cfg))
}

func (f *factory) createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	return newTracesProcessor(ctx, set, cfg, next, &f.received, f.attributor(set, cfg))
}
