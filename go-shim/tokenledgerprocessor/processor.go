// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
)

// metricsProcessor turns the metrics of one pipeline into cumulative totals, and notes that they came.
type metricsProcessor struct {
	*accumulator.Processor
	received *receivedData
	logger   *zap.Logger
}

var _ processor.Metrics = (*metricsProcessor)(nil)

func newMetricsProcessor(set processor.Settings, cfg *Config, next consumer.Metrics, received *receivedData) (*metricsProcessor, error) {
	return newMetricsProcessorWith(set, cfg.settings(set.ID, set.Logger), next, received)
}

func newMetricsProcessorWith(set processor.Settings, settings accumulator.Settings, next consumer.Metrics, received *receivedData) (*metricsProcessor, error) {
	tel, err := newTelemetry(set, received)
	if err != nil {
		return nil, err
	}
	return &metricsProcessor{accumulator.New(set, settings, next, tel), received, set.Logger}, nil
}

// ConsumeMetrics adds the points of one request to their streams and hands on what is to be seen now.
func (p *metricsProcessor) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if md.ResourceMetrics().Len() > 0 {
		p.received.note(signalMetrics, time.Now(), p.logger)
	}
	return p.Processor.ConsumeMetrics(ctx, md)
}
