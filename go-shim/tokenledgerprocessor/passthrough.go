// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/tokenledger/tokenledger/go-shim/internal/reload"
)

// newLogsProcessor returns a processor that passes logs on and records that they came. Where it is configured, records
// get attribution and those of requests their costs on the way.
func newLogsProcessor(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs, received *receivedData, a *attributor) (processor.Logs, error) {
	return newLogsProcessorWith(ctx, set, next, received, newAttributionPart(a), newEnricher(&cfg.(*Config).Pricing, set.Logger))
}

func newLogsProcessorWith(ctx context.Context, set processor.Settings, next consumer.Logs, received *receivedData, a *attributionPart, e *enricher) (processor.Logs, error) {
	tel, err := newTelemetry(set, received)
	if err != nil {
		return nil, err
	}
	pass := func(_ context.Context, ld plog.Logs) (plog.Logs, error) {
		if ld.ResourceLogs().Len() > 0 {
			received.note(signalLogs, time.Now(), set.Logger)
		}
		a.Logs(ld)
		e.logs(ld)
		return ld, nil
	}
	return processorhelper.NewLogs(ctx, set, nil, next, pass, passThroughOptions(tel, a, e)...)
}

// newTracesProcessor does the same with traces and their spans.
func newTracesProcessor(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces, received *receivedData, a *attributor) (processor.Traces, error) {
	return newTracesProcessorWith(ctx, set, next, received, newAttributionPart(a), newEnricher(&cfg.(*Config).Pricing, set.Logger))
}

func newTracesProcessorWith(ctx context.Context, set processor.Settings, next consumer.Traces, received *receivedData, a *attributionPart, e *enricher) (processor.Traces, error) {
	tel, err := newTelemetry(set, received)
	if err != nil {
		return nil, err
	}
	pass := func(_ context.Context, td ptrace.Traces) (ptrace.Traces, error) {
		if td.ResourceSpans().Len() > 0 {
			received.note(signalTraces, time.Now(), set.Logger)
		}
		a.Traces(td)
		e.traces(td)
		return td, nil
	}
	return processorhelper.NewTraces(ctx, set, nil, next, pass, passThroughOptions(tel, a, e)...)
}

// passThroughOptions tell that data is changed only where it is, so that the collector copies it only then.
func passThroughOptions(tel *telemetry, a *attributionPart, e *enricher) []processorhelper.Option {
	return []processorhelper.Option{
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: a.isOn() || e != nil}),
		processorhelper.WithStart(func(_ context.Context, host component.Host) error {
			health := reload.NewHealth(host)
			return errors.Join(a.start(health.Reporter()), e.start(health.Reporter()))
		}),
		processorhelper.WithShutdown(func(ctx context.Context) error {
			tel.Shutdown()
			return errors.Join(a.stop(ctx), e.shutdown(ctx))
		}),
	}
}
