// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

// NewFactory makes the factory of the processor `prometheus_labels`.
func NewFactory() processor.Factory {
	return processor.NewFactory(component.MustNewType("prometheus_labels"),
		func() component.Config { return &struct{}{} },
		processor.WithMetrics(createMetrics, component.StabilityLevelAlpha))
}

func createMetrics(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	return processorhelper.NewMetrics(ctx, set, cfg, next,
		func(_ context.Context, metrics pmetric.Metrics) (pmetric.Metrics, error) { return metrics, nil })
}
