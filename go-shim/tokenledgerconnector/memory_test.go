// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// keys returns keys with these numbers.
func keys(numbers ...uint64) []events.Key {
	var all []events.Key
	for _, n := range numbers {
		var k events.Key
		binary.LittleEndian.PutUint64(k[:], n)
		all = append(all, k)
	}
	return all
}

func claimed(t *testing.T, m *memory, numbers ...uint64) (*claim, []bool) {
	t.Helper()
	c, fresh, err := m.claim(t.Context(), keys(numbers...))
	require.NoError(t, err)
	return c, fresh
}

// Scenario: requests come, come again within the window and after it, and twice in one batch.
// Guarantee: each counts once per window.
func TestMemoryOfAWindow(t *testing.T) {
	now := time.Now()
	m := newMemory(DeduplicationConfig{MaxRequests: 10, Window: time.Minute}, func() time.Time { return now })
	take := func(numbers ...uint64) []bool {
		c, fresh := claimed(t, m, numbers...)
		c.settle(true)
		return fresh
	}
	assert.Equal(t, []bool{true, true, false}, take(1, 2, 1))
	now = now.Add(time.Minute)
	assert.Equal(t, []bool{false, false, true}, take(1, 2, 3))
	now = now.Add(time.Second)
	assert.Equal(t, []bool{true, false}, take(1, 3))
	remembered, evicted := m.sizes()
	assert.Equal(t, int64(2), remembered)
	assert.Zero(t, evicted)
}

// Scenario: more requests come than may be remembered, many times over.
// Guarantee: the newest are remembered, never more than allowed, and what was forgotten too early is counted.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(DeduplicationConfig{MaxRequests: 100, Window: time.Hour}, time.Now)
	for n := range uint64(1000) {
		c, fresh := claimed(t, m, n)
		assert.Equal(t, []bool{true}, fresh)
		c.settle(true)
	}
	remembered, evicted := m.sizes()
	assert.Equal(t, int64(100), remembered)
	assert.Equal(t, int64(900), evicted)
	assert.Len(t, m.counted, 100)
	assert.LessOrEqual(t, len(m.inOrder.ring), 256)
	c, fresh := claimed(t, m, 899, 900, 999)
	c.settle(false)
	assert.Equal(t, []bool{true, false, false}, fresh)
}

// Scenario: the next component refuses a batch.
// Guarantee: its requests count when they come again.
func TestRefusedRequestsAreForgotten(t *testing.T) {
	m := newMemory(DeduplicationConfig{MaxRequests: 100, Window: time.Hour}, time.Now)
	c, _ := claimed(t, m, 1, 2)
	c.settle(false)
	_, fresh := claimed(t, m, 1, 2)
	assert.Equal(t, []bool{true, true}, fresh)
}

// Scenario: a request comes again while its first delivery is under way, which then fails or succeeds; the sender of the
// repetition may give up meanwhile.
// Guarantee: the repetition waits for the answer, and counts exactly if the first did not; a claim never blocks others.
func TestRepetitionWaitsForTheFirst(t *testing.T) {
	for _, taken := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(DeduplicationConfig{MaxRequests: 100, Window: time.Hour}, time.Now)
			first, _ := claimed(t, m, 1)
			answered := make(chan []bool, 1)
			go func() {
				c, fresh, err := m.claim(context.Background(), keys(2, 1))
				assert.NoError(t, err)
				c.settle(true)
				answered <- fresh
			}()
			synctest.Wait()
			assert.Empty(t, answered)
			other, fresh := claimed(t, m, 2) // what waits holds nothing
			assert.Equal(t, []bool{true}, fresh)
			other.settle(false)

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _, err := m.claim(ctx, keys(1))
			require.ErrorIs(t, err, context.Canceled)

			first.settle(taken)
			assert.Equal(t, []bool{true, !taken}, <-answered)
		})
	}
}

// Scenario: many goroutines bring overlapping batches in all orders; a third of deliveries fails and is sent again.
// Guarantee: nobody waits for ever, and each request counts exactly once.
func TestConcurrentClaims(t *testing.T) {
	m := newMemory(DeduplicationConfig{MaxRequests: 100_000, Window: time.Hour}, time.Now)
	const requests = 400
	var counts [requests]atomic.Int64
	var wait sync.WaitGroup
	for worker := range uint64(8) {
		wait.Go(func() {
			for i := range uint64(requests) {
				a, b := (i*7+worker)%requests, (i*13+worker*31)%requests
				for attempt := range 3 {
					c, fresh, err := m.claim(context.Background(), keys(a, b))
					if !assert.NoError(t, err) {
						return
					}
					taken := attempt == 2 || (i+worker+uint64(attempt))%3 != 0
					for n, number := range []uint64{a, b} {
						if fresh[n] && taken {
							counts[number].Add(1)
						}
					}
					c.settle(taken)
					if taken {
						break
					}
				}
			}
		})
	}
	wait.Wait()
	for n := range counts {
		assert.Equal(t, int64(1), counts[n].Load(), n)
	}
	assert.Empty(t, m.underWay)
}
