// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// testBegin is the moment at which the engine of each test begins.
var testBegin = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// testClock is a clock that moves only when a test moves it.
type testClock struct {
	mu    sync.Mutex
	since time.Duration // since testBegin, on the monotonic clock
	step  time.Duration // how far the wall clock was set
}

func (c *testClock) read() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return testBegin.Add(c.since + c.step), c.since
}

// moveTo sets the time, as a duration since testBegin.
func (c *testClock) moveTo(since time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = since
}

// setWall changes the wall clock alone.
func (c *testClock) setWall(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step += by
}

// rig is a metrics processor with an engine and a clock of the test's, but without the goroutine that ticks: tests
// tick themselves.
type rig struct {
	*metricsProcessor
	clock *testClock
	logs  *observer.ObservedLogs
}

func newRig(t *testing.T, next consumer.Metrics, change func(*Config)) *rig {
	return newRigWith(t, processortest.NewNopSettings(metadata.Type), next, change)
}

func newRigWith(t *testing.T, set processor.Settings, next consumer.Metrics, change func(*Config)) *rig {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	p, err := newMetricsProcessor(set, cfg, next, &receivedData{})
	require.NoError(t, err)
	clock := &testClock{}
	p.clock = clock.read
	require.NoError(t, p.createEngine())
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context()))) })
	return &rig{metricsProcessor: p, clock: clock, logs: logs}
}

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
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(testBegin.Add(start)))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(testBegin.Add(end)))
	dp.SetIntValue(value)
	dp.Attributes().PutStr("type", kind)
	return md
}
