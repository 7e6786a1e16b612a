// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

const budgetFile = `email,team,budget_usd,budget_period
ann@example.com,payments,200,
bob@example.com,payments,,
,payments,2000,
,search,99.5,week
`

// Scenario: a file has budgets of a user and of teams; then it has none; or they are not to be sent.
// Guarantee: one point for each, with the attributes of whose it is and the period, in dollars, under the processor's
// scope and without a resource; then nothing at all.
func TestBudgetGauges(t *testing.T) {
	cfg := fileConfig(t, budgetFile)
	a := newAttributor(cfg, zap.NewNop())
	require.Empty(t, a.budgets()[0].points, "no file yet")
	require.NoError(t, a.load([]byte(budgetFile)))
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	md, found := gaugeMetrics(at, a.budgets())
	require.True(t, found)
	require.Equal(t, 1, md.ResourceMetrics().Len())
	assert.Zero(t, md.ResourceMetrics().At(0).Resource().Attributes().Len())
	sm := md.ResourceMetrics().At(0).ScopeMetrics().At(0)
	assert.Equal(t, metadata.ScopeName, sm.Scope().Name())
	metric := sm.Metrics().At(0)
	assert.Equal(t, "token_ledger.budget.limit", metric.Name())
	assert.Equal(t, "USD", metric.Unit())
	type point struct {
		attributes map[string]any
		value      float64
	}
	var points []point
	for _, dp := range metric.Gauge().DataPoints().All() {
		points = append(points, point{dp.Attributes().AsRaw(), dp.DoubleValue()})
		assert.Equal(t, at, dp.Timestamp().AsTime())
	}
	assert.Equal(t, []point{
		{map[string]any{"user.email": "ann@example.com", "team": "payments", "period": "month"}, 200},
		{map[string]any{"team": "payments", "period": "month"}, 2000},
		{map[string]any{"team": "search", "period": "week"}, 99.5},
	}, points)

	require.NoError(t, a.load([]byte("email,team\nann@example.com,payments\n")))
	_, found = gaugeMetrics(at, a.budgets())
	assert.False(t, found)
	cfg.BudgetInterval = 0
	assert.Empty(t, a.budgets())
}

// Scenario: a currency's rate is to be shown.
// Guarantee: a gauge without a unit, by currency.
func TestCurrencyGauge(t *testing.T) {
	md, found := gaugeMetrics(time.Now(), []gauge{currencyGauge("EUR", 0.92)})
	require.True(t, found)
	metric := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
	assert.Equal(t, "token_ledger.currency.rate", metric.Name())
	assert.Empty(t, metric.Unit())
	dp := metric.Gauge().DataPoints().At(0)
	assert.Equal(t, map[string]any{"currency": "EUR"}, dp.Attributes().AsRaw())
	assert.InDelta(t, 0.92, dp.DoubleValue(), 0)
}

// Scenario: an emitter runs for two minutes, and a file changes in between.
// Guarantee: budgets go out at the start, each minute, and at once after the change, as the file then says.
func TestGaugesAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &consumertest.MetricsSink{}
		var limit atomic.Int64
		limit.Store(100)
		e := newGaugeEmitter(sink, zap.NewNop(), time.Minute, func() []gauge {
			return []gauge{{name: "g", points: []gaugePoint{{value: float64(limit.Load())}}}}
		})
		values := func() (out []float64) {
			synctest.Wait()
			for _, md := range sink.AllMetrics() {
				out = append(out, md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0).DoubleValue())
			}
			return out
		}
		e.start()
		assert.Equal(t, []float64{100}, values())
		time.Sleep(61 * time.Second)
		assert.Equal(t, []float64{100, 100}, values())
		limit.Store(50)
		e.wake()
		e.wake()
		assert.Equal(t, []float64{100, 100, 50}, values()[:3])
		require.NoError(t, e.stop(t.Context()))
		require.NoError(t, e.stop(t.Context()))
		sent := len(values())
		e.wake()
		time.Sleep(5 * time.Minute)
		assert.Len(t, values(), sent)
	})
}

// Scenario: the next component refuses budgets for some minutes.
// Guarantee: one line when it begins, one when it is over; they go out again by themselves.
func TestRefusedGauges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		calls := 0
		next, err := consumer.NewMetrics(func(context.Context, pmetric.Metrics) error {
			if calls++; calls < 4 {
				return errors.New("store is gone")
			}
			return nil
		})
		require.NoError(t, err)
		e := newGaugeEmitter(next, zap.New(core), time.Minute, func() []gauge { return []gauge{currencyGauge("EUR", 1)} })
		e.start()
		time.Sleep(5*time.Minute + time.Second)
		require.NoError(t, e.stop(t.Context()))
		assert.Equal(t, 6, calls)
		assert.Equal(t, 1, logs.FilterMessageSnippet("refused the budgets").Len())
		assert.Equal(t, 1, logs.FilterMessageSnippet("takes the budgets again").Len())
	})
}

// Scenario: a delivery is stuck when the emitter is to stop with a deadline; an emitter that was never started; none at
// all, because the interval is 0.
// Guarantee: the first returns at the deadline, says what it waits for, and ends the delivery's context; a second stop
// finishes. The others are fine.
func TestGaugesStop(t *testing.T) {
	entered, free := make(chan struct{}), make(chan struct{})
	next, err := consumer.NewMetrics(func(ctx context.Context, _ pmetric.Metrics) error {
		close(entered)
		<-ctx.Done()
		<-free
		return ctx.Err()
	})
	require.NoError(t, err)
	e := newGaugeEmitter(next, zap.NewNop(), time.Hour, func() []gauge { return []gauge{currencyGauge("EUR", 1)} })
	require.NoError(t, e.stop(t.Context()))
	e.start()
	<-entered
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, e.stop(ended), "has not taken the budgets yet")
	close(free)
	require.NoError(t, e.stop(t.Context()))

	none := newGaugeEmitter(next, zap.NewNop(), 0, nil)
	require.Nil(t, none)
	none.start()
	none.wake()
	require.NoError(t, none.stop(t.Context()))
}
