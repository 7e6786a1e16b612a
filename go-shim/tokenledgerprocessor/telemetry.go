// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Names of the attributes in metadata.yaml.
const (
	attributeProcessor = "processor"
	attributeOutcome   = "outcome"
	attributeSignal    = "signal"
)

// telemetry is what the processor tells about itself. Attribute sets are built once: a request costs no allocation
// for them.
//
// Processors of the same identifier in several pipelines report into the same series, because a processor is not told
// which pipeline it serves. So everything but times is a sum, which adds up over them.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	add     []metric.AddOption
	record  []metric.RecordOption
	observe []metric.ObserveOption
	points  [outcomeCount][]metric.AddOption
}

var _ accumulator.Telemetry = (*telemetry)(nil)

// outcome is what became of a point, used as an index.
type outcome int

const (
	outcomeAccepted outcome = iota
	outcomeDuplicate
	outcomeLate
	outcomeInvalid
	outcomeOverflow
	outcomeNoValue
	outcomeSuperseded
	outcomeBaseline
	outcomeRefused
	outcomeUntouched
	outcomeCount
)

var outcomeNames = [outcomeCount]string{
	"accepted", "duplicate", "late", "invalid", "overflow", "no_value", "superseded", "baseline", "refused", "untouched",
}

// newTelemetry registers what every processor reports: when data was last received.
func newTelemetry(set processor.Settings, received *receivedData) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	id := attribute.String(attributeProcessor, set.ID.String())
	self := metric.WithAttributeSet(attribute.NewSet(id))
	t := &telemetry{
		builder: builder,
		add:     []metric.AddOption{self},
		record:  []metric.RecordOption{self},
		observe: []metric.ObserveOption{self},
	}
	for i, name := range outcomeNames {
		with := attribute.NewSet(id, attribute.String(attributeOutcome, name))
		t.points[i] = []metric.AddOption{metric.WithAttributeSet(with)}
	}
	return t, builder.RegisterProcessorTokenLedgerLastReceivedCallback(observeReceived(received))
}

func observeReceived(received *receivedData) metric.Float64Callback {
	var options [signalCount][]metric.ObserveOption
	for i, name := range signalNames {
		with := attribute.NewSet(attribute.String(attributeSignal, name))
		options[i] = []metric.ObserveOption{metric.WithAttributeSet(with)}
	}
	return func(_ context.Context, o metric.Float64Observer) error {
		for s := range signalCount {
			if seconds, ok := received.seconds(s); ok {
				o.Observe(seconds, options[s]...)
			}
		}
		return nil
	}
}

// Watch reports an engine's figures at each collection until Shutdown.
func (t *telemetry) Watch(stats func() engine.Stats) error {
	report := func(figure func(engine.Stats) int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(figure(stats()), t.observe...)
			return nil
		}
	}
	b := t.builder
	return errors.Join(
		t.watchLedger(report),
		b.RegisterProcessorTokenLedgerStreamsCallback(report(func(s engine.Stats) int64 { return s.Streams })),
		b.RegisterProcessorTokenLedgerStreamsLimitCallback(report(func(s engine.Stats) int64 { return s.MaxStreams })),
		b.RegisterProcessorTokenLedgerStreamsPendingCallback(report(func(s engine.Stats) int64 { return s.PendingStreams })),
		b.RegisterProcessorTokenLedgerSourceStreamsCallback(report(func(s engine.Stats) int64 { return s.SourceStreams })),
		b.RegisterProcessorTokenLedgerTombstonesCallback(report(func(s engine.Stats) int64 { return s.Tombstones })),
		b.RegisterProcessorTokenLedgerEvictedStreamsCallback(report(func(s engine.Stats) int64 { return s.EvictedStreams })),
		b.RegisterProcessorTokenLedgerStateBytesCallback(report(func(s engine.Stats) int64 { return s.StateBytes })),
		b.RegisterProcessorTokenLedgerTextBytesCallback(report(func(s engine.Stats) int64 { return s.TextBytes })),
		b.RegisterProcessorTokenLedgerMemoryBytesCallback(report(engine.Stats.MemoryBytes)),
		b.RegisterProcessorTokenLedgerMemoryLimitCallback(report(func(s engine.Stats) int64 { return s.MaxMemoryBytes })),
		b.RegisterProcessorTokenLedgerClockStepsBackCallback(report(func(s engine.Stats) int64 { return s.ClockStepsBack })),
	)
}

// watchLedger reports a ledger's figures, all 0 without one.
func (t *telemetry) watchLedger(report func(func(engine.Stats) int64) metric.Int64Callback) error {
	b := t.builder
	return errors.Join(
		b.RegisterProcessorTokenLedgerLedgerFileBytesCallback(report(func(s engine.Stats) int64 { return s.LedgerFileBytes })),
		b.RegisterProcessorTokenLedgerLedgerJournalBytesCallback(report(func(s engine.Stats) int64 { return s.LedgerJournalBytes })),
		b.RegisterProcessorTokenLedgerLedgerCommitsCallback(report(func(s engine.Stats) int64 { return s.LedgerCommits })),
		b.RegisterProcessorTokenLedgerLedgerFailedCommitsCallback(report(func(s engine.Stats) int64 { return s.LedgerFailedCommits })),
		b.RegisterProcessorTokenLedgerLedgerSnapshotsCallback(report(func(s engine.Stats) int64 { return s.LedgerSnapshots })),
		b.RegisterProcessorTokenLedgerLedgerFailedSnapshotsCallback(report(func(s engine.Stats) int64 { return s.LedgerFailedSnapshots })),
		b.RegisterProcessorTokenLedgerLedgerDamagedCallback(report(func(s engine.Stats) int64 { return s.LedgerDamaged })),
		b.RegisterProcessorTokenLedgerLedgerStoppedCallback(report(func(s engine.Stats) int64 { return s.LedgerStopped })),
		b.RegisterProcessorTokenLedgerLedgerRestoredStreamsCallback(report(func(s engine.Stats) int64 { return s.LedgerRestoredStreams })),
		b.RegisterProcessorTokenLedgerUsagePendingCallback(report(func(s engine.Stats) int64 { return s.UsagePending })),
	)
}

// Batch counts what became of one request's points and how long that took.
func (t *telemetry) Batch(ctx context.Context, o engine.Outcomes, took time.Duration) {
	t.count(ctx, outcomeAccepted, o.Accepted)
	t.count(ctx, outcomeDuplicate, o.Duplicate)
	t.count(ctx, outcomeLate, o.Late)
	t.count(ctx, outcomeInvalid, o.Invalid)
	t.count(ctx, outcomeOverflow, o.Overflow)
	t.count(ctx, outcomeNoValue, o.NoValue)
	t.count(ctx, outcomeSuperseded, o.Superseded)
	t.count(ctx, outcomeBaseline, o.Baseline)
	t.count(ctx, outcomeRefused, o.Refused)
	t.count(ctx, outcomeUntouched, o.Untouched)
	t.builder.ProcessorTokenLedgerBatchDuration.Record(ctx, took.Seconds(), t.record...)
}

func (t *telemetry) count(ctx context.Context, what outcome, points int64) {
	if points > 0 {
		t.builder.ProcessorTokenLedgerPoints.Add(ctx, points, t.points[what]...)
	}
}

// Poisoned counts a request that passed on unchanged.
func (t *telemetry) Poisoned(ctx context.Context) {
	t.builder.ProcessorTokenLedgerPoisoned.Add(ctx, 1, t.add...)
}

// LedgerRefused counts a request that was refused because the ledger could not be written.
func (t *telemetry) LedgerRefused(ctx context.Context) {
	t.builder.ProcessorTokenLedgerLedgerRefusedRequests.Add(ctx, 1, t.add...)
}

// MaintenanceFailed counts a round of the ledger's background work that failed.
func (t *telemetry) MaintenanceFailed(ctx context.Context) {
	t.builder.ProcessorTokenLedgerLedgerFailedMaintenance.Add(ctx, 1, t.add...)
}

// Shutdown ends all reporting; calling it again does nothing.
func (t *telemetry) Shutdown() {
	t.builder.Shutdown()
}
