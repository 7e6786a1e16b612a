// SPDX-License-Identifier: Apache-2.0

package deltatocumulativeprocessor // import "github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/xprocessor"

	"github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
)

// NewFactory returns the factory of the processor `delta_to_cumulative`, which also goes by its former name
// `deltatocumulative`.
func NewFactory() processor.Factory {
	return xprocessor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		xprocessor.WithMetrics(createMetrics, metadata.MetricsStability),
		xprocessor.WithDeprecatedTypeAlias(metadata.DeprecatedType),
	)
}

// createMetrics makes one instance with an engine of its own for each metrics pipeline: if two pipelines shared an
// engine, the second pipeline's copy of a request would look like a retransmission of the first one's (D3a).
func createMetrics(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	own := cfg.(*Config)
	return newProcessor(set, own, own.settings(set.Logger), next)
}

func newProcessor(set processor.Settings, cfg *Config, settings accumulator.Settings, next consumer.Metrics) (*accumulator.Processor, error) {
	tel, err := newTelemetry(set.TelemetrySettings, cfg)
	if err != nil {
		return nil, err
	}
	return accumulator.New(set, settings, next, tel), nil
}
