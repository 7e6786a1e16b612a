// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"time"
)

// Emit says when accumulated values leave the engine (design rule L3).
type Emit string

const (
	// EmitEach answers each point in its own batch: for exporters that are pulled.
	EmitEach Emit = "each"
	// EmitInterval takes points in; changed streams go out at a tick, one point each.
	EmitInterval Emit = "interval"
)

// Retransmissions says what happens to a point that was seen before (design rule D3).
type Retransmissions string

const (
	// Recognise adds a request or window only once.
	Recognise Retransmissions = "recognise"
	// Add takes equal points for different clients' points.
	Add Retransmissions = "add"
)

// Clock reads the wall clock and a monotonic clock that began at any fixed moment.
type Clock func() (wall time.Time, monotonic time.Duration)

// Config holds the settings of one engine. The component validates what users write.
type Config struct {
	// MaxStale is how long an idle stream is kept (L1); at least a second.
	MaxStale time.Duration
	// MaxLag is how far output times may lie behind the clock (D4); 0 is unlimited.
	MaxLag time.Duration
	// FirstValueDelay holds a new stream's value behind its zero point (D6); whole seconds.
	FirstValueDelay time.Duration
	// Emit is the moment of output (L3).
	Emit Emit
	// Retransmissions is the treatment of points seen before (D3).
	Retransmissions Retransmissions
	// MaxStreams bounds the streams that are kept (T5); at least 1.
	MaxStreams int
	// Clock replaces the system's clocks in tests; nil is the system.
	Clock Clock
}

// MarshalJSON writes the configuration as the library reads it: durations in nanoseconds.
func (c Config) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"max_stale_nano":         c.MaxStale.Nanoseconds(),
		"max_lag_nano":           c.MaxLag.Nanoseconds(),
		"first_value_delay_nano": c.FirstValueDelay.Nanoseconds(),
		"emit":                   c.Emit,
		"retransmissions":        c.Retransmissions,
		"max_streams":            c.MaxStreams,
	})
}

// systemClock measures monotonic time from the moment of its making.
func systemClock() Clock {
	began := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now, now.Sub(began)
	}
}
