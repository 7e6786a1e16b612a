// SPDX-License-Identifier: Apache-2.0

// Package enginetest helps to test what uses an engine.
package enginetest

import (
	"sync"
	"time"
)

// Begin is the moment at which a Clock begins.
var Begin = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Clock is a clock that moves only when a test moves it.
type Clock struct {
	mu    sync.Mutex
	since time.Duration // since Begin, on the monotonic clock
	step  time.Duration // how far the wall clock was set
}

// Read is an engine.Clock.
func (c *Clock) Read() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Begin.Add(c.since + c.step), c.since
}

// MoveTo sets the time, as a duration since Begin.
func (c *Clock) MoveTo(since time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = since
}

// SetWall changes the wall clock alone.
func (c *Clock) SetWall(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step += by
}
