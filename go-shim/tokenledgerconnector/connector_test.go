// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// consumerFunc is a next component.
type consumerFunc func(context.Context, pmetric.Metrics) error

func (f consumerFunc) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	return f(ctx, md)
}

func (consumerFunc) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// together puts the records of several logs into one batch.
func together(all ...plog.Logs) plog.Logs {
	ld := plog.NewLogs()
	for _, one := range all {
		one.ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
	}
	return ld
}

// Scenario: the next component refuses a batch, the sender sends it again, and once more.
// Guarantee: the sender gets the error; the second delivery counts, byte for byte what was refused, the third nothing.
func TestRefusedBatchCountsLater(t *testing.T) {
	refusal := errors.New("no room")
	var answer error = refusal
	var delivered [][]byte
	c := started(t, consumerFunc(func(_ context.Context, md pmetric.Metrics) error {
		bytes, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		assert.NoError(t, err)
		delivered = append(delivered, bytes)
		return answer
	}), nil)
	require.ErrorIs(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r1", nil)), refusal)
	answer = nil
	require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r1", nil)))
	require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r1", nil)))
	require.Len(t, delivered, 2)
	assert.Equal(t, delivered[0], delivered[1])
}

// Scenario: the next component panics.
// Guarantee: the requests count when they come again, and nobody waits for them.
func TestPanicBehindTheConnector(t *testing.T) {
	crash := true
	next := new(consumertest.MetricsSink)
	c := started(t, consumerFunc(func(ctx context.Context, md pmetric.Metrics) error {
		if crash {
			panic("a fault of another component")
		}
		return next.ConsumeMetrics(ctx, md)
	}), nil)
	assert.Panics(t, func() { _ = c.ConsumeLogs(t.Context(), apiRequest("s", "r1", nil)) })
	crash = false
	require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("s", "r1", nil)))
	assert.InDelta(t, 1, total(next.AllMetrics(), "token_ledger.requests", nil), 0)
}

// Scenario: eight goroutines send the same 200 requests in batches of different composition, to a next component that
// refuses every fifth delivery, until each batch was taken.
// Guarantee: tokens, cost and requests are those of 200 requests.
func TestConcurrentBatches(t *testing.T) {
	var deliveries atomic.Int64
	next := new(consumertest.MetricsSink)
	c := started(t, consumerFunc(func(ctx context.Context, md pmetric.Metrics) error {
		if deliveries.Add(1)%5 == 0 {
			return errors.New("busy")
		}
		return next.ConsumeMetrics(ctx, md)
	}), nil)
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := 0; i < 200; {
				size := 1 + (i+worker)%7
				for {
					var batch []plog.Logs
					for n := i; n < min(i+size, 200); n++ {
						batch = append(batch, apiRequest(fmt.Sprint("s", n%3), fmt.Sprint("r", n), nil))
					}
					if c.ConsumeLogs(context.Background(), together(batch...)) == nil {
						break
					}
				}
				i += size
			}
		})
	}
	wait.Wait()
	all := next.AllMetrics()
	assert.InDelta(t, 200, total(all, "token_ledger.requests", nil), 0)
	assert.InDelta(t, 200, total(all, "token_ledger.request.duration", nil), 0)
	assert.InDelta(t, 200*370, total(all, "token_ledger.tokens", nil), 0)
	assert.InDelta(t, 200*0.0009, total(all, "token_ledger.cost.reported", nil), 1e-12)
}

// Scenario: requests of equal size within one millisecond, in two batches; the same batch made by another process.
// Guarantee: points of different requests differ in their start, so that nothing behind takes one for a retransmission
// of the other (D3b); the same requests make the same points, in whatever order they come; starts are before times.
func TestPointsCarryTheirRequests(t *testing.T) {
	points := func(batches ...plog.Logs) []pmetric.NumberDataPoint {
		next := new(consumertest.MetricsSink)
		c := started(t, next, nil)
		var all []pmetric.NumberDataPoint
		for _, ld := range batches {
			require.NoError(t, c.ConsumeLogs(t.Context(), ld))
		}
		for _, md := range next.AllMetrics() {
			all = append(all, md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0))
		}
		return all
	}
	one := func() plog.Logs { return apiRequest("s", "r1", nil) }
	two := func() plog.Logs { return apiRequest("s", "r2", nil) }
	apart := points(one(), two())
	require.Len(t, apart, 2)
	assert.Equal(t, apart[0].Timestamp(), apart[1].Timestamp())
	assert.Equal(t, apart[0].IntValue(), apart[1].IntValue())
	assert.NotEqual(t, apart[0].StartTimestamp(), apart[1].StartTimestamp())
	assert.Equal(t, apart[0].StartTimestamp()/1e6, apart[1].StartTimestamp()/1e6)
	assert.Equal(t, apart[0].StartTimestamp(), points(one())[0].StartTimestamp())

	same, turned := points(together(one(), two()))[0], points(together(two(), one()))[0]
	assert.Equal(t, same.StartTimestamp(), turned.StartTimestamp())
	assert.NotEqual(t, same.StartTimestamp(), apart[0].StartTimestamp())

	instant := points(apiRequest("s", "r1", map[string]any{"duration_ms": int64(0)}))[0]
	assert.Less(t, instant.StartTimestamp(), instant.Timestamp())
	oldest := plog.NewLogs()
	one().CopyTo(oldest)
	oldest.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(1)
	assert.LessOrEqual(t, points(oldest)[0].StartTimestamp(), points(oldest)[0].Timestamp())
}

// Scenario: a client sends numbers that are no counts, negative, endless or huge, wrong types, and nothing at all.
// Guarantee: nothing panics; no total is negative or endless; the request is counted and said to be inconsistent.
func TestHostileNumbers(t *testing.T) {
	hostile := []any{int64(-5), int64(math.MaxInt64), math.NaN(), math.Inf(1), -math.MaxFloat64, 1e300, "9e99", "-1", []any{int64(1)}, map[string]any{"a": 1}, true, []byte{1}}
	names := []string{"input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_5m_tokens", "cache_creation_1h_tokens", "cost_usd", "cost_usd_micros", "duration_ms", "event.sequence", "model", "session.id", "request_id", "speed"}
	next := new(consumertest.MetricsSink)
	c := started(t, next, nil)
	sent := 0
	for _, name := range names {
		for _, value := range hostile {
			sent++
			attributes := map[string]any{"session.id": fmt.Sprint("s", sent), name: value}
			require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("", fmt.Sprint("r", sent), attributes)))
		}
	}
	largest := map[string]any{"input_tokens": int64(1e9), "output_tokens": int64(1e9), "cache_read_tokens": int64(1e9), "cost_usd": 1e6}
	for n := range 3000 {
		require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("large", fmt.Sprint(n), largest)))
	}
	all := next.AllMetrics()
	assert.InDelta(t, float64(sent+3000), total(all, "token_ledger.requests", nil), 0)
	assert.Positive(t, total(all, "token_ledger.data_quality.requests", map[string]string{"issue": "inconsistent_tokens"}))
	forEachPoint(all, func(name string, dp pmetric.NumberDataPoint) {
		value := dp.DoubleValue() + float64(dp.IntValue())
		assert.False(t, math.IsNaN(value) || math.IsInf(value, 0), name)
		if name != "token_ledger.cost.difference" {
			assert.Positive(t, value, name)
		}
		assert.LessOrEqual(t, dp.StartTimestamp(), dp.Timestamp())
	})
}

// Scenario: 3000 requests at the limit of what is believed, in one batch.
// Guarantee: a sum that leaves 64 bits of 10⁻¹² dollars stays at its largest value instead of turning negative.
func TestSumsStayWithinBounds(t *testing.T) {
	next := new(consumertest.MetricsSink)
	c := started(t, next, nil)
	var batch []plog.Logs
	for n := range 3000 {
		batch = append(batch, apiRequest("s", fmt.Sprint(n), map[string]any{"output_tokens": int64(1e9), "cost_usd": 1e6}))
	}
	require.NoError(t, c.ConsumeLogs(t.Context(), together(batch...)))
	assert.InDelta(t, events.USD(math.MaxInt64), total(next.AllMetrics(), "token_ledger.cost.reported", nil), 0)
	assert.Positive(t, total(next.AllMetrics(), "token_ledger.cost", map[string]string{"type": "output"}))
}

// Scenario: an agent without a user, one that lost its cost, one without tokens, one of an unknown model.
// Guarantee: each lack is counted by what it is; a request without faults is not.
func TestDataQuality(t *testing.T) {
	for _, c := range []struct {
		name       string
		attributes map[string]any
		issues     map[string]float64
	}{
		{"nothing is wrong", nil, map[string]float64{}},
		{"no cost", map[string]any{"cost_usd": "undefined"}, map[string]float64{issueMissingCost: 1}},
		{"no user", map[string]any{"user.id": ""}, map[string]float64{issueUnattributedUser: 1}},
		{"unknown model", map[string]any{"model": "glm-5.3"}, map[string]float64{issueUnknownModel: 1}},
		{"contradiction", map[string]any{"cache_creation_tokens": int64(1), "cache_creation_1h_tokens": int64(2)}, map[string]float64{issueInconsistentTokens: 1}},
		{"no tokens", map[string]any{"input_tokens": "", "output_tokens": "", "cache_read_tokens": "", "cache_creation_tokens": ""}, map[string]float64{issueMissingTokens: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			next := new(consumertest.MetricsSink)
			require.NoError(t, started(t, next, nil).ConsumeLogs(t.Context(), apiRequest("s", "r", c.attributes)))
			found := map[string]float64{}
			forEachPoint(next.AllMetrics(), func(name string, dp pmetric.NumberDataPoint) {
				if name == "token_ledger.data_quality.requests" {
					issue, _ := dp.Attributes().Get("issue")
					found[issue.Str()] += float64(dp.IntValue())
				}
			})
			assert.Equal(t, c.issues, found)
		})
	}
}

func forEachPoint(all []pmetric.Metrics, visit func(name string, dp pmetric.NumberDataPoint)) {
	for _, md := range all {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Type() != pmetric.MetricTypeSum {
						continue
					}
					for _, dp := range m.Sum().DataPoints().All() {
						visit(m.Name(), dp)
					}
				}
			}
		}
	}
}
