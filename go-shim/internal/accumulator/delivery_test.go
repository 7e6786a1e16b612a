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
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// Scenario: the next component refuses a request; the client sends it again.
// Guarantee: the client gets the refusal as it was made, the retry adds nothing, and the total goes out (L4, D3a).
func TestRefusedRequest(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, nil)
	refusal := consumererror.NewPermanent(errors.New("store is read-only"))
	request := func() pmetric.Metrics { return window(10*time.Second, 20*time.Second, "input", 5) }

	r.clock.MoveTo(20 * time.Second)
	next.refuse(refusal)
	require.Equal(t, refusal, r.ConsumeMetrics(t.Context(), request()))

	next.refuse(nil)
	r.clock.MoveTo(21 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), request()))
	require.NoError(t, r.Tick(t.Context(), false))
	assert.Equal(t, map[string]int64{"input": 5}, next.last(tokens))
}

// Scenario: the next component refuses a request, and the client never sends it again.
// Guarantee: the total goes out at the next tick nevertheless, once (L4).
func TestRefusedRequestGoesOutAtTick(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, nil)
	r.clock.MoveTo(20 * time.Second)
	next.refuse(errors.New("queue is full"))
	require.Error(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))

	next.refuse(nil)
	r.clock.MoveTo(21 * time.Second)
	require.NoError(t, r.Tick(t.Context(), false))
	assert.Equal(t, map[string]int64{"input": 5}, next.last(tokens))

	deliveries := len(next.AllMetrics())
	r.clock.MoveTo(22 * time.Second)
	require.NoError(t, r.Tick(t.Context(), false))
	assert.Len(t, next.AllMetrics(), deliveries)
}

// Scenario: the next component refuses what a tick brings.
// Guarantee: one log line says so, and the next tick brings it again (L4).
func TestRefusedTick(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, interval)
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	assert.Empty(t, next.AllMetrics())

	next.refuse(errors.New("queue is full"))
	for second := time.Duration(30); second < 33; second++ {
		r.clock.MoveTo(second * time.Second)
		r.periodicTick(t.Context())
	}
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("refused totals").Len())

	next.refuse(nil)
	r.clock.MoveTo(40 * time.Second)
	r.periodicTick(t.Context())
	assert.Equal(t, map[string]int64{"input": 5}, next.last(tokens))
}

// Scenario: `retransmissions: add`, and the client gives up while its request is under way, then sends it again.
// Guarantee: this one retry adds nothing; an equal request after it is another client's and adds (D3b).
func TestAbandonedRequestWithAdd(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, func(settings *Settings) { settings.Engine.Retransmissions = engine.Add })
	request := func() pmetric.Metrics { return window(10*time.Second, 20*time.Second, "input", 5) }
	r.clock.MoveTo(20 * time.Second)

	abandoned, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, r.ConsumeMetrics(abandoned, request()))
	require.NoError(t, r.ConsumeMetrics(t.Context(), request()))
	r.clock.MoveTo(21 * time.Second)
	require.NoError(t, r.Tick(t.Context(), false))
	assert.Equal(t, map[string]int64{"input": 5}, next.last(tokens))

	require.NoError(t, r.ConsumeMetrics(t.Context(), request()))
	r.clock.MoveTo(22 * time.Second)
	require.NoError(t, r.Tick(t.Context(), false))
	assert.Equal(t, map[string]int64{"input": 10}, next.last(tokens))
}

// Scenario: a request holds nothing that goes out now.
// Guarantee: the next component is not called with an empty request.
func TestNothingToDeliver(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, interval)
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	require.NoError(t, r.ConsumeMetrics(t.Context(), pmetric.NewMetrics()))
	assert.Empty(t, next.AllMetrics())
}

// Scenario: the library panics.
// Guarantee: this request and all later ones pass unchanged, each is counted, and one log line says it.
func TestPoisonedEnginePassesDataOn(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, nil)
	r.clock.MoveTo(20 * time.Second)
	r.engine.InjectPanic()
	for range 3 {
		require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
		r.periodicTick(t.Context())
	}

	require.Len(t, next.AllMetrics(), 3)
	for _, md := range next.AllMetrics() {
		require.Equal(t, window(10*time.Second, 20*time.Second, "input", 5), md)
	}
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("pass unchanged").Len())
	assert.Equal(t, 3, r.telemetry.(*countingTelemetry).poisoned)
}

// Scenario: data comes before Start, or after Shutdown.
// Guarantee: an error, no panic.
func TestConsumeOutsideLifetime(t *testing.T) {
	r := newRig(t, &recorder{}, nil)
	running := r.engine
	r.engine = nil
	require.ErrorIs(t, r.ConsumeMetrics(t.Context(), window(0, time.Second, "input", 1)), ErrNotStarted)
	r.engine = running
	require.NoError(t, r.Shutdown(t.Context()))
	require.Error(t, r.ConsumeMetrics(t.Context(), window(0, time.Second, "input", 1)))
}
