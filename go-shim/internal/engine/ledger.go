// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import "time"

// Opening says what was found in the ledger when the engine was made; zero without a ledger.
func (e *Engine) Opening() Opening { return e.opening }

// Maintain does the ledger's background work: snapshots, usage, small files. Called about once a second beside
// everything else, it may take long; last is for the end, after the last tick. Without a ledger there is nothing to do.
func (e *Engine) Maintain(last bool) error {
	e.maintaining.Lock()
	defer e.maintaining.Unlock()
	e.open.RLock()
	defer e.open.RUnlock()
	if e.handle == nil {
		return ErrClosed
	}
	wall, monotonic := e.now()
	var failed C.tl_error
	if status := C.tl_engine_maintain(e.handle, wall, monotonic, boolByte(last), &failed); status != C.TL_STATUS_OK {
		return failure(status, &failed)
	}
	return nil
}

// InjectFullDisk makes the ledger refuse to be written from now on, or not any more: a drill for tests.
func (e *Engine) InjectFullDisk(full bool) {
	e.open.RLock()
	defer e.open.RUnlock()
	C.tl_engine_inject_full_disk(e.handle, boolByte(full))
}

// settle returns when the batch is in the ledger: only then may it be passed on and acknowledged.
func (e *Engine) settle(b *Batch) error {
	return e.settler.settle(uint64(b.view.ticket), func(through uint64) error {
		wall, monotonic := e.now()
		if status := C.tl_engine_settle(e.handle, C.uint64_t(through), wall, monotonic, &b.failed); status != C.TL_STATUS_OK {
			return failure(status, &b.failed)
		}
		return nil
	})
}

func (e *Engine) readOpening(found *C.tl_opening) Opening {
	opening := Opening{
		Restored:        found.restored != 0,
		Streams:         int64(found.streams),
		SourceStreams:   int64(found.source_streams),
		Damaged:         int64(found.damaged),
		Created:         time.Unix(0, int64(found.created_unix_nano)),
		LastWritten:     time.Unix(0, int64(found.last_written_unix_nano)),
		ClockBehind:     time.Duration(found.clock_behind_nano),
		SettingsChanged: found.settings_changed != 0,
		Took:            time.Duration(found.nanos),
	}
	var warning C.tl_text_view
	for C.tl_engine_warning(e.handle, C.uint64_t(len(opening.Warnings)), &warning) {
		opening.Warnings = append(opening.Warnings, string(libraryBytes(warning.text, warning.text_bytes)))
	}
	return opening
}

// ledgerStats fills in what stats say of the ledger.
func (e *Engine) ledgerStats(stats *Stats, held *C.tl_stats) {
	stats.LedgerFileBytes = int64(held.ledger_file_bytes)
	stats.LedgerJournalBytes = int64(held.ledger_journal_bytes)
	stats.LedgerCommits = int64(held.ledger_commits)
	stats.LedgerFailedCommits = int64(held.ledger_failed_commits)
	stats.LedgerSnapshots = int64(held.ledger_snapshots)
	stats.LedgerFailedSnapshots = int64(held.ledger_failed_snapshots)
	stats.LedgerDamaged = int64(held.ledger_damaged)
	stats.LedgerStopped = int64(held.ledger_stopped)
	stats.LedgerRestoredStreams = e.opening.Streams
	stats.UsagePending = int64(held.usage_pending)
}
