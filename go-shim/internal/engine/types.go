// SPDX-License-Identifier: Apache-2.0

package engine

import "errors"

// ErrPoisoned means that the library panicked, now or earlier, and is out of use. The batch at hand
// is untouched and should be passed on unchanged.
var ErrPoisoned = errors.New("engine is out of use after a panic")

// ErrClosed means that the engine was used after Close.
var ErrClosed = errors.New("engine is closed")

// ErrNoCgo means that the collector was built without the native library.
var ErrNoCgo = errors.New("token_ledger needs its native library: " +
	"this collector was built with CGO_ENABLED=0; build it with cgo_enabled: true and a C compiler")

// Metadata holds the client metadata that is part of identity, selected by metadata_keys.
type Metadata map[string][]string

// Outcomes counts how the points of a batch ended; each point has exactly one outcome.
type Outcomes struct {
	// Accepted points were added to their stream.
	Accepted int64
	// Duplicate points were recognised as retransmitted and added nothing (D3).
	Duplicate int64
	// Late points were added and go out with a later point or tick (D4).
	Late int64
	// Invalid points are not numbers, infinite or negative on a monotonic sum (D8).
	Invalid int64
	// Overflow points were added to the overflow stream of their metric (T5).
	Overflow int64
	// NoValue points carried the flag NO_RECORDED_VALUE (D9).
	NoValue int64
}

// Stats says what an engine holds.
type Stats struct {
	Streams        int64
	MaxStreams     int64
	PendingStreams int64
	StateBytes     int64
	TextBytes      int64
	// ClockStepsBack counts steps of the wall clock back by more than a minute.
	ClockStepsBack int64
	// LiveEngines counts the engines of the whole process.
	LiveEngines int64
}
