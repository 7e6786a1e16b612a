// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package accumulator

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
)

// rig is a processor with an engine and a clock of the test's, but without the goroutine that ticks: tests tick
// themselves.
type rig struct {
	*Processor
	clock *enginetest.Clock
	logs  *observer.ObservedLogs
}

func newRig(t *testing.T, next consumer.Metrics, change func(*Settings)) *rig {
	t.Helper()
	settings := testSettings()
	if change != nil {
		change(&settings)
	}
	clock := &enginetest.Clock{}
	settings.Engine.Clock = clock.Read
	core, logs := observer.New(zap.InfoLevel)
	set := testSet()
	set.Logger = zap.New(core)
	p := New(set, settings, next, &countingTelemetry{})
	require.NoError(t, p.Open())
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context()))) })
	return &rig{Processor: p, clock: clock, logs: logs}
}

func testSet() processor.Settings {
	return processortest.NewNopSettings(component.MustNewType("accumulator"))
}

func testSettings() Settings {
	return Settings{
		Engine: engine.Config{
			MaxStale: 24 * time.Hour, MaxLag: 5 * time.Minute, Emit: engine.EmitEach,
			Retransmissions: engine.Recognise, MaxStreams: 1000,
		},
		TickInterval: HeldTickInterval,
		Remedy:       "raise the limit",
	}
}

func interval(settings *Settings) { settings.Engine.Emit = engine.EmitInterval }

// countingTelemetry counts what it is told.
type countingTelemetry struct {
	mu       sync.Mutex
	stats    func() engine.Stats
	batches  int
	poisoned int
	refused  int
	failed   int
	ended    int
}

func (c *countingTelemetry) Watch(stats func() engine.Stats) error {
	c.stats = stats
	return nil
}

func (c *countingTelemetry) Batch(context.Context, engine.Outcomes, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches++
}

func (c *countingTelemetry) Poisoned(context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.poisoned++
}

func (c *countingTelemetry) LedgerRefused(context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused++
}

func (c *countingTelemetry) MaintenanceFailed(context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed++
}

func (c *countingTelemetry) Shutdown() { c.ended++ }

// recorder takes what it is given, unless it is told to refuse it, and remembers the context.
type recorder struct {
	consumertest.MetricsSink
	mu       sync.Mutex
	refusal  error
	contexts []context.Context
}

func (r *recorder) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refusal != nil {
		return r.refusal
	}
	r.contexts = append(r.contexts, ctx)
	return r.MetricsSink.ConsumeMetrics(ctx, md)
}

func (r *recorder) refuse(with error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusal = with
}

// last returns the value that was seen last for each `type` of the sum of that name.
func (r *recorder) last(name string) map[string]int64 {
	values := map[string]int64{}
	for _, md := range r.AllMetrics() {
		forEachPoint(md, func(m pmetric.Metric, dp pmetric.NumberDataPoint) {
			if m.Name() == name {
				if kind, ok := dp.Attributes().Get("type"); ok {
					values[kind.Str()] = dp.IntValue()
				}
			}
		})
	}
	return values
}

func forEachPoint(md pmetric.Metrics, do func(pmetric.Metric, pmetric.NumberDataPoint)) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Type() == pmetric.MetricTypeSum {
					for _, dp := range m.Sum().DataPoints().All() {
						do(m, dp)
					}
				}
			}
		}
	}
}

const tokens = "claude_code.token.usage"

// window returns a request with one delta point of the sum `claude_code.token.usage`.
func window(start, end time.Duration, kind string, value int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "claude-code")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(tokens)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	dp := sum.DataPoints().AppendEmpty()
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(enginetest.Begin.Add(start)))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(enginetest.Begin.Add(end)))
	dp.SetIntValue(value)
	dp.Attributes().PutStr("type", kind)
	return md
}
