// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package accumulator

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Scenario: a first value is held for an hour (D6) when the collector stops.
// Guarantee: it is delivered before Shutdown returns; a second Shutdown does nothing (L5).
func TestShutdownDeliversWhatIsHeld(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, func(settings *Settings) { settings.Engine.FirstValueDelay = time.Hour })
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	require.Equal(t, map[string]int64{"input": 0}, next.last(tokens))

	require.NoError(t, r.Shutdown(t.Context()))
	assert.Equal(t, map[string]int64{"input": 5}, next.last(tokens))

	deliveries := len(next.AllMetrics())
	require.NoError(t, r.Shutdown(t.Context()))
	assert.Len(t, next.AllMetrics(), deliveries)
}

// Scenario: the next component refuses the last totals.
// Guarantee: Shutdown says so, and has ended everything nevertheless.
func TestShutdownReportsRefusal(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, interval)
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	next.refuse(errors.New("store is gone"))
	require.ErrorContains(t, r.Shutdown(t.Context()), "store is gone")
	assert.Zero(t, r.engine.Stats().MaxStreams, "the engine is closed")
	require.NoError(t, r.Shutdown(t.Context()))
}

// Scenario: an instance that holds totals is shut down, and one that holds none.
// Guarantee: the first says once that totals start anew, the second says nothing (L6).
func TestShutdownSaysThatTotalsEnd(t *testing.T) {
	used := newRig(t, consumertest.NewNop(), nil)
	used.clock.MoveTo(20 * time.Second)
	require.NoError(t, used.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	unused := newRig(t, consumertest.NewNop(), nil)
	for _, r := range []*rig{used, unused} {
		require.NoError(t, r.Shutdown(t.Context()))
		require.NoError(t, r.Shutdown(t.Context()))
	}
	assert.Equal(t, 1, used.logs.FilterMessageSnippet("start anew").Len())
	assert.Zero(t, unused.logs.FilterMessageSnippet("start anew").Len())
}

// Scenario: Shutdown without Start.
// Guarantee: no error (L5).
func TestShutdownWithoutStart(t *testing.T) {
	telemetry := &countingTelemetry{}
	p := New(testSet(), testSettings(), consumertest.NewNop(), telemetry)
	require.NoError(t, p.Shutdown(t.Context()))
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, 1, telemetry.ended)
	assert.Zero(t, p.Stats())
}

// Scenario: the real goroutine and the real clock, `emit: interval`.
// Guarantee: totals leave without a further request, with a context that outlives Start's.
func TestTickerEmits(t *testing.T) {
	next := &recorder{}
	settings := testSettings()
	interval(&settings)
	settings.TickInterval = 5 * time.Millisecond
	p := New(testSet(), settings, next, &countingTelemetry{})
	starting, cancel := context.WithCancel(t.Context())
	require.NoError(t, p.Start(starting, componenttest.NewNopHost()))
	cancel()

	require.NoError(t, p.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	require.Eventually(t, func() bool { return next.last(tokens)["input"] == 5 }, 10*time.Second, time.Millisecond)
	require.NoError(t, p.Shutdown(t.Context()))
	for _, ctx := range next.contexts {
		require.NotEqual(t, starting, ctx)
	}
}

// Scenario: a tick is stuck in the next component when Shutdown is called with a deadline.
// Guarantee: Shutdown returns at the deadline and tears nothing down; once the tick is free, a second one finishes.
func TestShutdownWaitsForTick(t *testing.T) {
	entered, free := make(chan struct{}), make(chan struct{})
	calls := 0
	next, err := consumer.NewMetrics(func(context.Context, pmetric.Metrics) error {
		if calls++; calls == 1 {
			close(entered)
			<-free
		}
		return nil
	})
	require.NoError(t, err)
	r := newRig(t, next, interval)
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	r.ticker = startTicker(time.Millisecond, r.periodicTick)
	<-entered

	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.Shutdown(brief), context.DeadlineExceeded)
	assert.NotZero(t, r.engine.Stats().MaxStreams, "the engine still runs")
	close(free)
	require.NoError(t, r.Shutdown(t.Context()))
	assert.Zero(t, r.engine.Stats().MaxStreams, "the engine is closed")
}

// Scenario: more streams than the limit (T5), sent through a processor that a host has started.
// Guarantee: the host hears that it is degraded, once.
func TestOverflowDegrades(t *testing.T) {
	host := &statusHost{}
	settings := testSettings()
	settings.Engine.MaxStreams = 1
	p := New(testSet(), settings, consumertest.NewNop(), &countingTelemetry{})
	require.NoError(t, p.Start(t.Context(), host))
	for _, kind := range []string{"input", "output", "cacheRead"} {
		require.NoError(t, p.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, kind, 5)))
	}
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, []componentstatus.Status{degraded}, host.statuses)
}
