// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"sync/atomic"
)

// settler lets one goroutine write for all that wait for the ledger.
//
// A goroutine that waits inside the library holds a thread of the operating system, one that waits here does not.
// And writing for the highest ticket settles those of everybody before it.
type settler struct {
	// through is the highest ticket that is settled, wanted the highest that anybody waits for.
	through, wanted atomic.Uint64
	// attempts counts the calls of write that have begun.
	attempts atomic.Uint64

	mu sync.Mutex
	// outcome is that of the last attempt.
	outcome error
}

// settle returns when ticket is settled, or with the error of an attempt that began after the call and included it.
// write settles everything up to a ticket; it is called by one goroutine at a time. 0 has nothing to wait for.
func (s *settler) settle(ticket uint64, write func(through uint64) error) error {
	if ticket <= s.through.Load() {
		return nil
	}
	raise(&s.wanted, ticket)
	seen := s.attempts.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	if ticket <= s.through.Load() {
		return nil
	}
	if s.attempts.Load() > seen {
		return s.outcome // it began after ticket was wanted, so it included it: trying again for each would take long
	}
	s.attempts.Add(1) // before wanted is read: see above
	through := s.wanted.Load()
	s.outcome = write(through)
	if s.outcome == nil {
		raise(&s.through, through)
	}
	return s.outcome
}

// raise sets number to at least value.
func raise(number *atomic.Uint64, value uint64) {
	for {
		current := number.Load()
		if current >= value || number.CompareAndSwap(current, value) {
			return
		}
	}
}
