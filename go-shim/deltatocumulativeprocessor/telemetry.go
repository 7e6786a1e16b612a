// SPDX-License-Identifier: Apache-2.0

package deltatocumulativeprocessor // import "github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// telemetry is what the processor tells about itself, under contrib's names.
type telemetry struct {
	builder  *metadata.TelemetryBuilder
	maxStale int64 // seconds
	// Built once, so that a request costs no allocation for them.
	limit, invalid []metric.AddOption
}

var _ accumulator.Telemetry = (*telemetry)(nil)

func newTelemetry(set component.TelemetrySettings, cfg *Config) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	reason := func(value string) []metric.AddOption {
		return []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String("error", value)))}
	}
	return &telemetry{
		builder:  builder,
		maxStale: int64(cfg.MaxStale.Seconds()),
		limit:    reason("limit"),
		invalid:  reason("invalid"),
	}, nil
}

// Watch reports an engine's figures at each collection until Shutdown.
func (t *telemetry) Watch(stats func() engine.Stats) error {
	report := func(figure func(engine.Stats) int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(figure(stats()))
			return nil
		}
	}
	t.builder.DeltatocumulativeStreamsLimit.Record(context.Background(), stats().MaxStreams)
	t.builder.DeltatocumulativeStreamsMaxStale.Record(context.Background(), t.maxStale)
	return errors.Join(
		t.builder.RegisterDeltatocumulativeStreamsTrackedCallback(report(func(s engine.Stats) int64 { return s.Streams })),
		t.builder.RegisterDeltatocumulativeMemoryBytesCallback(report(engine.Stats.MemoryBytes)),
		t.builder.RegisterDeltatocumulativeMemoryLimitCallback(report(func(s engine.Stats) int64 { return s.MaxMemoryBytes })),
	)
}

// Batch counts what became of one request's points. As in contrib, an error is what is not in its stream's total:
// points without room of their own (T5), and values that cannot be added (D8). Points that passed untouched (D14) are
// not counted.
func (t *telemetry) Batch(ctx context.Context, o engine.Outcomes, _ time.Duration) {
	processed := o.Accepted + o.Duplicate + o.Late + o.NoValue + o.Superseded + o.Baseline
	if processed > 0 {
		t.builder.DeltatocumulativeDatapoints.Add(ctx, processed)
	}
	if without := o.Overflow + o.Refused; without > 0 {
		t.builder.DeltatocumulativeDatapoints.Add(ctx, without, t.limit...)
	}
	if o.Invalid > 0 {
		t.builder.DeltatocumulativeDatapoints.Add(ctx, o.Invalid, t.invalid...)
	}
}

// Poisoned counts a request that passed on unchanged.
func (t *telemetry) Poisoned(ctx context.Context) {
	t.builder.DeltatocumulativePoisoned.Add(ctx, 1)
}

// LedgerRefused counts nothing: contrib's settings name no place for a ledger, so there is none.
func (*telemetry) LedgerRefused(context.Context) {}

// MaintenanceFailed counts nothing, for the same reason.
func (*telemetry) MaintenanceFailed(context.Context) {}

// Shutdown ends all reporting; calling it again does nothing.
func (t *telemetry) Shutdown() {
	t.builder.Shutdown()
}
