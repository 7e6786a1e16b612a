// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

// newLogsProcessor returns a processor that passes logs on untouched and records that they came.
func newLogsProcessor(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs, received *receivedData) (processor.Logs, error) {
	tel, err := newTelemetry(set, received)
	if err != nil {
		return nil, err
	}
	note := func(_ context.Context, ld plog.Logs) (plog.Logs, error) {
		if ld.ResourceLogs().Len() > 0 {
			received.note(signalLogs, time.Now(), set.Logger)
		}
		return ld, nil
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, note, passThroughOptions(tel)...)
}

// newTracesProcessor returns a processor that passes traces on untouched and records that they came.
func newTracesProcessor(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces, received *receivedData) (processor.Traces, error) {
	tel, err := newTelemetry(set, received)
	if err != nil {
		return nil, err
	}
	note := func(_ context.Context, td ptrace.Traces) (ptrace.Traces, error) {
		if td.ResourceSpans().Len() > 0 {
			received.note(signalTraces, time.Now(), set.Logger)
		}
		return td, nil
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, note, passThroughOptions(tel)...)
}

func passThroughOptions(tel *telemetry) []processorhelper.Option {
	return []processorhelper.Option{
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		processorhelper.WithShutdown(func(context.Context) error {
			tel.Shutdown()
			return nil
		}),
	}
}
