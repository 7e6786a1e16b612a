// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Scenario: aligned windows arrive one by one. Guarantee: a zero, then running totals, in place (D2, D6).
func TestDeltasBecomeTotals(t *testing.T) {
	e, clock := newTestEngine(t)
	clock.advance(10 * time.Second)
	lines, outcomes := consume(t, e, deltas("tokens", began.Add(5*time.Second), 5))
	assert.Equal(t, []string{"tokensmap[session.id:one] 0@5", "tokensmap[session.id:one] 5@6"}, lines)
	assert.Equal(t, Outcomes{Accepted: 1}, outcomes)
	lines, _ = consume(t, e, deltas("tokens", began.Add(8*time.Second), 7))
	assert.Equal(t, []string{"tokensmap[session.id:one] 12@9"}, lines)
}

// Scenario: three windows newest first in one body. Guarantee: nothing is lost, the last emitted
// point carries everything (D5).
func TestNewestFirstLosesNothing(t *testing.T) {
	e, clock := newTestEngine(t)
	clock.advance(10 * time.Second)
	md := deltas("tokens", began.Add(2*time.Second), 1, 2, 4)
	points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
	points.Sort(func(a, b pmetric.NumberDataPoint) bool { return a.Timestamp() > b.Timestamp() })
	lines, outcomes := consume(t, e, md)
	assert.Equal(t, []string{"tokensmap[session.id:one] 0@4", "tokensmap[session.id:one] 7@5"}, lines)
	assert.Equal(t, Outcomes{Accepted: 1, Late: 2}, outcomes)
	assert.Empty(t, tick(t, e, false))
}

// Scenario: one request twice. Guarantee: added once; the total goes out again at the tick (D3a).
func TestRetransmittedRequest(t *testing.T) {
	e, clock := newTestEngine(t)
	clock.advance(10 * time.Second)
	consume(t, e, deltas("tokens", began.Add(5*time.Second), 5))
	md := deltas("tokens", began.Add(5*time.Second), 5)
	lines, outcomes := consume(t, e, md)
	assert.Empty(t, lines)
	assert.Zero(t, md.ResourceMetrics().Len(), "what becomes empty is removed")
	assert.Equal(t, Outcomes{Duplicate: 1}, outcomes)
	assert.Equal(t, []string{"tokensmap[session.id:one] 5@6.001"}, tick(t, e, false))
}

// Scenario: the first value is held for ten seconds. Guarantee: only the zero goes out until then;
// Shutdown ends it early (D6, L5).
func TestFirstValueDelay(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) { c.FirstValueDelay = 10 * time.Second })
	clock.advance(10 * time.Second)
	lines, _ := consume(t, e, deltas("tokens", began.Add(5*time.Second), 5))
	assert.Equal(t, []string{"tokensmap[session.id:one] 0@5"}, lines)
	clock.advance(9 * time.Second)
	assert.Empty(t, tick(t, e, false))
	lines, _ = consume(t, e, deltas("tokens", began.Add(18*time.Second), 1))
	assert.Empty(t, lines)
	assert.Equal(t, []string{"tokensmap[session.id:one] 6@19"}, tick(t, e, true))
}

// Scenario: emit: interval. Guarantee: batches are taken in, a tick brings one point per stream (L3).
func TestEmitInterval(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) { c.Emit = EmitInterval })
	clock.advance(10 * time.Second)
	for i := range 3 {
		lines, _ := consume(t, e, deltas("tokens", began.Add(time.Duration(5+i)*time.Second), 2))
		assert.Empty(t, lines)
	}
	assert.Equal(t, []string{"tokensmap[session.id:one] 0@5", "tokensmap[session.id:one] 6@8"}, tick(t, e, false))
	assert.Empty(t, tick(t, e, false))
}

// Scenario: the next consumer refuses a batch and a tick. Guarantee: the total comes again (L4).
func TestRefusedOutputComesAgain(t *testing.T) {
	e, clock := newTestEngine(t)
	clock.advance(10 * time.Second)
	b, err := e.Consume(deltas("tokens", began.Add(5*time.Second), 5), nil)
	require.NoError(t, err)
	b.Refused()
	b.Release()
	refusal := errors.New("queue is full")
	err = e.Tick(false, func(Metadata, pmetric.Metrics) error { return refusal })
	require.ErrorIs(t, err, refusal)
	assert.Equal(t, []string{"tokensmap[session.id:one] 5@6.002"}, tick(t, e, false))
}

// Scenario: clients of two tenants with equal points. Guarantee: two streams, each tick in its tenant.
func TestMetadataSeparates(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) { c.Emit = EmitInterval })
	clock.advance(10 * time.Second)
	for _, tenant := range []string{"a", "b"} {
		b, err := e.Consume(deltas("tokens", began.Add(5*time.Second), 5), Metadata{"x-tenant": {tenant, "z"}})
		require.NoError(t, err)
		b.Release()
	}
	tenants := []string{}
	require.NoError(t, e.Tick(false, func(metadata Metadata, md pmetric.Metrics) error {
		assert.Len(t, emitted(md), 2)
		assert.Equal(t, "z", metadata["x-tenant"][1])
		tenants = append(tenants, metadata["x-tenant"][0])
		return nil
	}))
	assert.ElementsMatch(t, []string{"a", "b"}, tenants)
}

// Scenario: more streams than the limit. Guarantee: the rest adds up under otel.metric.overflow (T5).
func TestOverflowKeepsTheTotal(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) { c.MaxStreams = 2 })
	clock.advance(10 * time.Second)
	md := deltas("tokens", began.Add(5*time.Second), 1, 2, 4, 8)
	for i, point := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().All() {
		point.Attributes().PutInt("n", int64(i))
	}
	lines, outcomes := consume(t, e, md)
	assert.Equal(t, Outcomes{Accepted: 2, Overflow: 2}, outcomes)
	// Which streams have room depends on the engine's random key; the total does not.
	total, overflowed := int64(0), int64(0)
	for _, point := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().All() {
		if _, found := point.Attributes().Get("otel.metric.overflow"); found {
			overflowed = max(overflowed, point.IntValue())
		} else {
			total += point.IntValue()
		}
	}
	assert.Equal(t, int64(1+2+4+8), total+overflowed, "%v", lines)
}

// Scenario: gauges, summaries and cumulative sums beside a delta sum. Guarantee: untouched (D14).
func TestOtherMetricsPass(t *testing.T) {
	e, _ := newTestEngine(t)
	md := pmetric.NewMetrics()
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	metrics.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(3)
	metrics.AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().SetCount(4)
	cumulative := metrics.AppendEmpty().SetEmptySum()
	cumulative.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	cumulative.DataPoints().AppendEmpty().SetIntValue(5)
	before := pmetric.NewMetrics()
	md.CopyTo(before)
	_, err := e.Consume(md, nil)
	require.NoError(t, err)
	assert.Equal(t, before, md)
}

// Scenario: attributes of every type, nested 40 deep. Guarantee: they come back from a tick as they
// went in, down to the depth that the format keeps.
func TestAttributesSurviveTheEngine(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) { c.Emit = EmitInterval })
	clock.advance(10 * time.Second)
	md := deltas("tokens", began.Add(5*time.Second), 5.5)
	attributes := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).Attributes()
	require.NoError(t, attributes.FromRaw(map[string]any{
		"text": "é", "yes": true, "int": -7, "double": 1.5, "bytes": []byte{0, 1},
		"list": []any{"a", int64(2), map[string]any{"z": 1.0, "a": nil}}, "none": nil, "": "empty key",
	}))
	wanted := pcommon.NewMap()
	attributes.CopyTo(wanted)
	deep := attributes.PutEmptySlice("deep")
	for range 40 {
		deep = deep.AppendEmpty().SetEmptySlice()
	}
	b, err := e.Consume(md, nil)
	require.NoError(t, err)
	b.Release()
	require.NoError(t, e.Tick(false, func(_ Metadata, md pmetric.Metrics) error {
		points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
		got := points.At(0).Attributes()
		_, found := got.Get("deep")
		assert.True(t, found)
		got.Remove("deep")
		assert.True(t, wanted.Equal(got), "%v", got.AsRaw())
		return nil
	}))
}

// Scenario: the library panics (drill). Guarantee: an error that says so, md untouched, the process
// lives, other engines work, the poisoned one stays out of use.
func TestPanicPoisonsOneEngine(t *testing.T) {
	e, _ := newTestEngine(t)
	other, _ := newTestEngine(t)
	e.InjectPanic()
	md := deltas("tokens", began, 5)
	_, err := e.Consume(md, nil)
	require.ErrorIs(t, err, ErrPoisoned)
	assert.Contains(t, err.Error(), "injected by tl_engine_inject_panic at rust/ffi/src/handle.rs")
	assert.Equal(t, deltas("tokens", began, 5), md)
	_, err = e.Consume(md, nil)
	require.ErrorIs(t, err, ErrPoisoned)
	require.ErrorIs(t, e.Tick(true, nil), ErrPoisoned)
	assert.Equal(t, int64(0), e.Stats().MaxStreams)
	_, outcomes := consume(t, other, md)
	assert.Equal(t, int64(1), outcomes.Accepted+outcomes.Late)
}

// Scenario: calls after Close, Close twice, a batch released after Close. Guarantee: clear errors.
func TestClosedEngine(t *testing.T) {
	e, _ := newTestEngine(t)
	b, err := e.Consume(deltas("tokens", began, 5), nil)
	require.NoError(t, err)
	e.Close()
	e.Close()
	b.Refused()
	b.Release()
	_, err = e.Consume(deltas("tokens", began, 5), nil)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, e.Tick(false, nil), ErrClosed)
}

// Scenario: a configuration the library refuses. Guarantee: its reason is in the error.
func TestRefusedConfiguration(t *testing.T) {
	cfg := defaultConfig()
	cfg.MaxStreams = 0
	_, err := New(cfg)
	require.ErrorContains(t, err, "max_streams must be at least 1")
	cfg = defaultConfig()
	cfg.Emit = "sometimes"
	_, err = New(cfg)
	require.ErrorContains(t, err, "unknown variant `sometimes`")
}

// Scenario: four goroutines send to shared streams while a fifth ticks. Guarantee: the total is exact.
func TestConcurrentBatches(t *testing.T) {
	e, err := New(defaultConfig())
	require.NoError(t, err)
	defer e.Close()
	const senders, batches = 4, 500
	stop := make(chan struct{})
	var ticker, group sync.WaitGroup
	var highest int64
	note := func(md pmetric.Metrics) {
		for _, point := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().All() {
			highest = max(highest, point.IntValue())
		}
	}
	ticker.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = e.Tick(false, func(Metadata, pmetric.Metrics) error { return nil })
			}
		}
	})
	for sender := range senders {
		group.Go(func() {
			for i := range batches {
				// No two windows are equal, or they would be taken for a retry (D3b).
				at := time.Now().Truncate(time.Minute).Add(time.Duration(sender*batches+i) * time.Microsecond)
				b, err := e.Consume(deltas("tokens", at, 1), nil)
				if assert.NoError(t, err) {
					b.Release()
				}
			}
		})
	}
	group.Wait()
	close(stop)
	ticker.Wait()
	md := deltas("tokens", time.Now().Add(-time.Second), 1)
	b, err := e.Consume(md, nil)
	require.NoError(t, err)
	defer b.Release()
	if md.ResourceMetrics().Len() > 0 {
		note(md)
	}
	require.NoError(t, e.Tick(true, func(_ Metadata, md pmetric.Metrics) error { note(md); return nil }))
	assert.Equal(t, int64(senders*batches+1), highest)
}
