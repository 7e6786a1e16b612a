// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/pricing"
)

// metricsProcessor turns the metrics of one pipeline into cumulative totals, and notes that they came.
type metricsProcessor struct {
	*accumulator.Processor
	pricing  PricingConfig
	received *receivedData
	logger   *zap.Logger

	attribution *attributionPart

	prices   *pricing.Table // set by Start where something is computed
	currency *gaugeEmitter  // set by Start where the price file may name one
	next     consumer.Metrics
}

var _ processor.Metrics = (*metricsProcessor)(nil)

func newMetricsProcessor(set processor.Settings, cfg *Config, next consumer.Metrics, received *receivedData, attributor *attributor) (*metricsProcessor, error) {
	p, err := newMetricsProcessorWith(set, cfg.settings(set.ID, set.Logger), next, received)
	if err == nil {
		p.pricing, p.next = cfg.Pricing, next
		p.attribution = newBudgetingPart(attributor, next, set.Logger)
	}
	return p, err
}

func newMetricsProcessorWith(set processor.Settings, settings accumulator.Settings, next consumer.Metrics, received *receivedData) (*metricsProcessor, error) {
	tel, err := newTelemetry(set, received)
	if err != nil {
		return nil, err
	}
	return &metricsProcessor{
		Processor: accumulator.New(set, settings, next, tel),
		received:  received,
		logger:    set.Logger,

		attribution: newAttributionPart(nil),
	}, nil
}

// Start begins to accumulate and, where that is configured, to compute costs and to attribute usage.
func (p *metricsProcessor) Start(ctx context.Context, host component.Host) error {
	if err := p.pricing.refuseTwoCounts(host); err != nil {
		return err
	}
	if err := p.Processor.Start(ctx, host); err != nil {
		return err
	}
	if err := p.startPricing(); err != nil {
		return err
	}
	return p.attribution.start(p.Reporter())
}

func (p *metricsProcessor) startPricing() error {
	if p.pricing.Source != pricingMetrics {
		return nil
	}
	p.prices = pricing.New(pricing.Settings{
		File:           p.pricing.File,
		ReloadInterval: p.pricing.ReloadInterval,
		Use:            p.SetPrices,
		Status:         p.Reporter(),
		Logger:         p.logger,
	})
	if err := p.prices.Start(); err != nil || p.pricing.File == "" {
		return err
	}
	p.currency = newGaugeEmitter(p.next, p.logger, defaultBudgetInterval, p.rates)
	p.currency.start()
	return nil
}

// rates are those of the price file's currency, if it names one.
func (p *metricsProcessor) rates() []gauge {
	code, perUSD := p.prices.Currency()
	if code == "" {
		return nil
	}
	return []gauge{currencyGauge(code, perUSD)}
}

// Shutdown ends what Start began. It may be called without Start, and again.
func (p *metricsProcessor) Shutdown(ctx context.Context) error {
	return errors.Join(p.attribution.stop(ctx), p.currency.stop(ctx), p.prices.Shutdown(ctx), p.Processor.Shutdown(ctx))
}

// ConsumeMetrics adds the points of one request to their streams and hands on what is to be seen now.
func (p *metricsProcessor) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if md.ResourceMetrics().Len() > 0 {
		p.received.note(signalMetrics, time.Now(), p.logger)
	}
	p.attribution.Metrics(md) // before the engine, so that rules may drop what it goes by
	return p.Processor.ConsumeMetrics(ctx, md)
}
