// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import (
	"context"
	"sync"
	"time"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// memory knows which requests were counted lately, so that one that is reported again adds nothing.
//
// A request is remembered once the next component took it. Until then it is under way: a batch that brings it
// meanwhile waits for the answer, because whether it is a repetition depends on it.
type memory struct {
	maxRequests int
	window      time.Duration
	now         func() time.Time // with a monotonic reading

	mu       sync.Mutex
	counted  map[events.Key]struct{}
	inOrder  queue // of counted, oldest first
	underWay map[events.Key]*claim
	evicted  int64
}

// claim is a batch's hold on the requests that it counts first.
type claim struct {
	memory *memory
	keys   []events.Key
	done   chan struct{} // closed by settle
}

func newMemory(cfg DeduplicationConfig, now func() time.Time) *memory {
	return &memory{
		maxRequests: cfg.MaxRequests,
		window:      cfg.Window,
		now:         now,
		counted:     make(map[events.Key]struct{}),
		underWay:    make(map[events.Key]*claim),
	}
}

// claim takes hold of those of the keys that were not counted yet. fresh tells for each key, in order, whether it is one
// of them; the second of two equal keys is not. The claim has to be settled, whatever happens.
//
// It waits while another batch has one of the keys under way, and holds nothing meanwhile: two batches that share
// requests cannot wait for each other. The error is the context's.
func (m *memory) claim(ctx context.Context, keys []events.Key) (c *claim, fresh []bool, err error) {
	for {
		c, fresh, other := m.tryClaim(keys)
		if other == nil {
			return c, fresh, nil
		}
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

func (m *memory) tryClaim(keys []events.Key) (c *claim, fresh []bool, other *claim) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		if other := m.underWay[key]; other != nil {
			return nil, nil, other
		}
	}
	m.expire(m.now())
	c = &claim{memory: m, done: make(chan struct{})}
	fresh = make([]bool, len(keys))
	for i, key := range keys {
		if _, known := m.counted[key]; known || m.underWay[key] != nil {
			continue
		}
		fresh[i] = true
		m.underWay[key] = c
		c.keys = append(c.keys, key)
	}
	return c, fresh, nil
}

// settle ends a claim. If the next component took the requests they are remembered; if not, they count when they come
// again.
func (c *claim) settle(taken bool) {
	m := c.memory
	m.mu.Lock()
	now := m.now()
	for _, key := range c.keys {
		delete(m.underWay, key)
		if !taken {
			continue
		}
		m.counted[key] = struct{}{}
		m.inOrder.push(remembered{key, now})
		if m.inOrder.length > m.maxRequests {
			m.forgetOldest()
			m.evicted++
		}
	}
	m.mu.Unlock()
	close(c.done)
}

// expire forgets what is older than the window.
func (m *memory) expire(now time.Time) {
	for m.inOrder.length > 0 && now.Sub(m.inOrder.oldest().at) > m.window {
		m.forgetOldest()
	}
}

func (m *memory) forgetOldest() {
	delete(m.counted, m.inOrder.oldest().key)
	m.inOrder.pop()
}

// sizes are how many requests are remembered, and how many were forgotten too early.
func (m *memory) sizes() (remembered, evicted int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(m.inOrder.length), m.evicted
}

// remembered is a request and when it was counted.
type remembered struct {
	key events.Key
	at  time.Time
}

// queue is first in, first out, in a ring that grows with its length. It never holds two equal keys.
type queue struct {
	ring   []remembered
	first  int
	length int
}

func (q *queue) push(r remembered) {
	if q.length == len(q.ring) {
		grown := make([]remembered, max(64, 2*len(q.ring)))
		n := copy(grown, q.ring[q.first:])
		copy(grown[n:], q.ring[:q.first])
		q.ring, q.first = grown, 0
	}
	q.ring[(q.first+q.length)%len(q.ring)] = r
	q.length++
}

func (q *queue) oldest() *remembered { return &q.ring[q.first] }

func (q *queue) pop() {
	q.ring[q.first] = remembered{}
	q.first = (q.first + 1) % len(q.ring)
	q.length--
}
