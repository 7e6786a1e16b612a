// SPDX-License-Identifier: Apache-2.0

package engine

import "errors"

// ErrPoisoned means that the library panicked, now or earlier, and is out of use. The batch at hand
// is untouched and should be passed on unchanged.
var ErrPoisoned = errors.New("engine is out of use after a panic")

// ErrClosed means that the engine was used after Close.
var ErrClosed = errors.New("engine is closed")

// ErrNoCgo means that the collector was built without the native library.
var ErrNoCgo = errors.New("the engine needs its native library: " +
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
	// Invalid points are not numbers, infinite, negative on a monotonic sum (D8), or no histograms.
	Invalid int64
	// Overflow points were added to the overflow stream of their metric (T5).
	Overflow int64
	// NoValue points carried the flag NO_RECORDED_VALUE (D9).
	NoValue int64
	// Superseded points are cumulative or gauges, and not newer than what is known (T3, T4).
	Superseded int64
	// Baseline points became the base of what comes: the first sight of a cumulative member that may
	// have been counted before (T3).
	Baseline int64
	// Refused points found no room at all: nothing holds their value (T5).
	Refused int64
	// Untouched points passed as they came: cumulative ones that no rule concerns (D14).
	Untouched int64
}

// Stats says what an engine holds.
type Stats struct {
	// Streams that a reader of the output can tell apart, overflow streams included.
	Streams int64
	// MaxStreams is the limit of Streams, overflow streams apart, and of SourceStreams.
	MaxStreams int64
	// SourceStreams are what clients send, where that is told apart beneath Streams (T1, T3).
	SourceStreams int64
	// Tombstones are forgotten members of cumulative input whose last value is still known (T3).
	Tombstones int64
	// PendingStreams wait for a tick; an upper bound.
	PendingStreams int64
	// EvictedStreams counts streams forgotten to make room for others (T5).
	EvictedStreams int64
	// StateBytes is the memory of entries, tables, attribute lists and request digests.
	StateBytes int64
	// TextBytes is the memory of interned text.
	TextBytes int64
	// ScratchBytes is the memory of answers that batches hold.
	ScratchBytes int64
	// MaxMemoryBytes limits the sum of the three above (T5); 0 is without limit.
	MaxMemoryBytes int64
	// ClockStepsBack counts steps of the wall clock back by more than a minute.
	ClockStepsBack int64
	// LedgerFileBytes is the size of the ledger's files; 0 without a ledger, as all that follows.
	LedgerFileBytes int64
	// LedgerJournalBytes is the journal that no snapshot contains yet.
	LedgerJournalBytes int64
	// LedgerCommits counts transactions that were written.
	LedgerCommits int64
	// LedgerFailedCommits counts transactions that could not be written.
	LedgerFailedCommits int64
	// LedgerSnapshots counts whole snapshots.
	LedgerSnapshots int64
	// LedgerFailedSnapshots counts snapshots that could not be made.
	LedgerFailedSnapshots int64
	// LedgerDamaged counts rows and snapshots found damaged at the start.
	LedgerDamaged int64
	// LedgerStopped is 1 while nothing can be written, and so nothing is taken in.
	LedgerStopped int64
	// LedgerRestoredStreams counts the streams that were back at the start.
	LedgerRestoredStreams int64
	// UsagePending counts usage entries that are not in the usage file yet.
	UsagePending int64
	// LiveEngines counts the engines of the whole process.
	LiveEngines int64
}

// MemoryBytes is the memory that counts against MaxMemoryBytes.
func (s Stats) MemoryBytes() int64 { return s.StateBytes + s.TextBytes + s.ScratchBytes }
