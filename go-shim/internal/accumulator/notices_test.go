// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package accumulator

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
)

// Scenario: invalid points come all the time.
// Guarantee: one line at once, then one a minute; together the lines name every point (D8).
func TestInvalidPointsOneLineAMinute(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	n := notices{logger: zap.New(core)}
	for second := range 150 {
		n.invalidPoints(2, enginetest.Begin.Add(time.Duration(second)*time.Second))
	}
	n.invalidPoints(0, enginetest.Begin.Add(180*time.Second))

	var named []int64
	for _, entry := range logs.All() {
		named = append(named, entry.ContextMap()["points"].(int64))
	}
	assert.Equal(t, []int64{2, 120, 120, 58}, named)
}

// Scenario: two requests with a value that is no number.
// Guarantee: the requests are taken, nothing leaves, one line warns.
func TestInvalidPointsAreDropped(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, nil)
	r.clock.MoveTo(20 * time.Second)
	for range 2 {
		md := window(10*time.Second, 20*time.Second, "input", 0)
		dp := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
		dp.SetDoubleValue(math.Inf(1))
		require.NoError(t, r.ConsumeMetrics(t.Context(), md))
	}
	assert.Empty(t, next.AllMetrics())
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("dropped points").Len())
}

// Scenario: the wall clock is set back by two minutes, twice.
// Guarantee: one line for each step, none for the ticks in between (D4).
func TestClockStepBackIsWarnedOfOnce(t *testing.T) {
	r := newRig(t, consumertest.NewNop(), nil)
	warnings := func() int { return r.logs.FilterMessageSnippet("clock stepped back").Len() }
	second := 10 * time.Second
	tick := func() {
		r.clock.MoveTo(second)
		second += time.Second
		require.NoError(t, r.ConsumeMetrics(t.Context(), window(second-time.Second, second, "input", 1)))
		r.periodicTick(t.Context())
	}
	tick()
	assert.Zero(t, warnings())
	for steps := 1; steps <= 2; steps++ {
		r.clock.SetWall(-2 * time.Minute)
		for range 3 {
			tick()
		}
		assert.Equal(t, steps, warnings())
	}
}
