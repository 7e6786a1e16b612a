// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Scenario: tickets in order, an old one again, and none.
// Guarantee: each new one is written once, what is settled is not written again, nothing is written for none.
func TestSettlerWritesOnce(t *testing.T) {
	var s settler
	var written []uint64
	write := func(through uint64) error {
		written = append(written, through)
		return nil
	}
	for _, ticket := range []uint64{0, 3, 3, 1, 4} {
		require.NoError(t, s.settle(ticket, write))
	}
	assert.Equal(t, []uint64{3, 4}, written)
}

// Scenario: many goroutines wait while one writes; the first attempt blocks until all have come.
// Guarantee: one further attempt, for the highest ticket, settles all of them.
func TestSettlerWritesForAll(t *testing.T) {
	const waiting = 100
	var s settler
	var calls atomic.Int64
	var highest atomic.Uint64
	entered, free := make(chan struct{}), make(chan struct{})
	write := func(through uint64) error {
		if calls.Add(1) == 1 {
			close(entered)
			<-free
		}
		raise(&highest, through)
		return nil
	}
	var all sync.WaitGroup
	all.Go(func() { assert.NoError(t, s.settle(1, write)) })
	<-entered
	for ticket := uint64(2); ticket < 2+waiting; ticket++ {
		all.Go(func() { assert.NoError(t, s.settle(ticket, write)) })
	}
	require.Eventually(t, func() bool { return s.wanted.Load() == 1+waiting }, time.Minute, time.Millisecond)
	close(free)
	all.Wait()
	assert.Equal(t, uint64(1+waiting), highest.Load())
	assert.Equal(t, int64(2), calls.Load())
}

// Scenario: the ledger cannot be written while goroutines wait, and can be later.
// Guarantee: those who waited share the one failure; who comes later, with an old ticket or a new one, is tried anew.
func TestSettlerSharesFailure(t *testing.T) {
	var s settler
	full := errors.New("disk is full")
	var calls atomic.Int64
	entered, free := make(chan struct{}), make(chan struct{})
	write := func(uint64) error {
		if calls.Add(1) == 1 {
			close(entered)
			<-free
		}
		return full
	}
	var all sync.WaitGroup
	all.Go(func() { assert.ErrorIs(t, s.settle(1, write), full) })
	<-entered
	var started sync.WaitGroup
	started.Add(50)
	for range 50 {
		all.Go(func() {
			started.Done()
			assert.ErrorIs(t, s.settle(2, write), full)
		})
	}
	started.Wait()
	time.Sleep(50 * time.Millisecond) // so that nearly all of them wait; one that does not tries for itself
	close(free)
	all.Wait()
	assert.Less(t, calls.Load(), int64(25))
	require.NoError(t, s.settle(1, func(uint64) error { return nil }))
	require.NoError(t, s.settle(2, func(uint64) error { return errors.New("2 was wanted, so it is settled with 1") }))
}

// Scenario: many goroutines settle rising tickets, and every third attempt fails.
// Guarantee: whoever is told that its ticket is settled is right. Run with -race.
func TestSettlerUnderLoad(t *testing.T) {
	var s settler
	var next, durable atomic.Uint64
	calls := 0
	write := func(through uint64) error {
		if calls++; calls%3 == 0 {
			return errors.New("every third")
		}
		raise(&durable, through)
		return nil
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 2000 {
				ticket := next.Add(1)
				if s.settle(ticket, write) == nil {
					assert.GreaterOrEqual(t, durable.Load(), ticket)
				}
			}
		})
	}
	all.Wait()
}
