// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"time"
)

// ticker calls a function at fixed intervals in one goroutine, so that the calls never overlap and their output keeps
// its order.
type ticker struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// startTicker begins calling tick. The context that tick gets lives until stop: the context of a component's Start
// must not be used after it.
func startTicker(every time.Duration, tick func(context.Context)) *ticker {
	ctx, cancel := context.WithCancel(context.Background())
	t := &ticker{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		clock := time.NewTicker(every)
		defer clock.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-clock.C:
				tick(ctx)
			}
		}
	}()
	return t
}

// stop ends the goroutine and waits for it, at most until ctx ends; then it returns the reason, and stop can be
// called again. The context of a tick under way is cancelled. A nil ticker has nothing to stop.
func (t *ticker) stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	t.cancel()
	select {
	case <-t.done:
		return nil
	default:
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
