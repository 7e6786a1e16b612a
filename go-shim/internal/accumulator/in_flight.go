// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"sync"
)

// inFlight knows the requests that are on their way through the next component.
//
// A tick may carry the total of a stream whose zero is in a request that is still on its way. Exporters do not expect
// two points of one series at once: the one for Prometheus can keep the older of them. So a tick waits for the
// requests that the engine took before it, and requests wait for nobody.
type inFlight struct {
	mu      sync.Mutex
	current *sync.WaitGroup
}

// enter begins a request; Done of what it returns ends it.
func (f *inFlight) enter() *sync.WaitGroup {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		f.current = new(sync.WaitGroup)
	}
	f.current.Add(1)
	return f.current
}

// wait returns when every request that has begun has ended, or with an error when ctx ends before.
func (f *inFlight) wait(ctx context.Context) error {
	f.mu.Lock()
	begun := f.current
	f.current = nil // later requests are not waited for
	f.mu.Unlock()
	if begun == nil {
		return nil
	}
	done := make(chan struct{})
	go func() {
		begun.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
