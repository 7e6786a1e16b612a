// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Storage says where and how an engine keeps its ledger. The zero value is none: totals are in memory only.
type Storage struct {
	// Directory holds the files of this one ledger; it is made if it is missing. Empty is without a ledger.
	Directory string
	// Sync is what the ledger survives of a batch that was acknowledged.
	Sync Sync
	// SnapshotInterval is how often, at least, everything is written anew while anything changes.
	SnapshotInterval time.Duration
	// Retention is how long usage is kept for reports; 0 is for ever.
	Retention time.Duration
	// Usage keeps usage for reports beside the ledger.
	Usage bool
}

// Enabled tells whether there is a ledger.
func (s Storage) Enabled() bool { return s.Directory != "" }

// storage is what the library is told of the ledger; nothing without one.
func (c Config) storage() ([]byte, error) {
	if !c.Storage.Enabled() {
		return nil, nil
	}
	text, err := json.Marshal(c.Storage)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	return text, nil
}

// Sync says what the ledger survives of a batch that was acknowledged. The zero value is SyncProcess.
type Sync struct {
	disk  bool
	every time.Duration
}

var (
	// SyncProcess survives the end of the process, however sudden.
	SyncProcess = Sync{}
	// SyncDisk survives the loss of power too.
	SyncDisk = Sync{disk: true}
)

// SyncEvery survives the end of the process at once, and the loss of power after the interval; at least a second.
func SyncEvery(interval time.Duration) Sync { return Sync{every: interval} }

// MarshalJSON writes the mode as the library reads it.
func (s Sync) MarshalJSON() ([]byte, error) {
	switch {
	case s.disk:
		return json.Marshal("disk")
	case s.every > 0:
		return json.Marshal(map[string]int64{"every_nano": s.every.Nanoseconds()})
	default:
		return json.Marshal("process")
	}
}

// MarshalJSON writes the settings as the library reads them: durations in nanoseconds.
func (s Storage) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Directory            string `json:"directory"`
		Sync                 Sync   `json:"sync"`
		SnapshotIntervalNano int64  `json:"snapshot_interval_nano"`
		UsageRetentionNano   int64  `json:"usage_retention_nano"`
		Usage                bool   `json:"usage"`
	}{s.Directory, s.Sync, s.SnapshotInterval.Nanoseconds(), s.Retention.Nanoseconds(), s.Usage})
}

// Opening is what an engine found in its ledger when it was made.
type Opening struct {
	// Restored tells that there was a ledger; else it is new, or the engine has none.
	Restored bool
	// Streams that are back.
	Streams int64
	// SourceStreams that are back beneath them, and members of cumulative input (T3).
	SourceStreams int64
	// Damaged counts rows and snapshots that could not be read and were kept aside.
	Damaged int64
	// Created is when the ledger was made.
	Created time.Time
	// LastWritten is the latest moment that it knows.
	LastWritten time.Time
	// ClockBehind is how far the clock lies behind LastWritten; 0 if it does not.
	ClockBehind time.Duration
	// SettingsChanged tells that identity or trimming is set otherwise than before, so that streams were brought
	// together anew.
	SettingsChanged bool
	// Took is how long it took.
	Took time.Duration
	// Warnings say what is unfit about the place of the ledger.
	Warnings []string
}

// Trouble is the kind of a StorageError.
type Trouble int

const (
	// TroubleOther is an error of the disk, or a file that is not a ledger.
	TroubleOther Trouble = iota
	// TroubleFull is a full disk, or a quota that is used up.
	TroubleFull
	// TroubleBusy is another process, or another engine of this one, that has the ledger.
	TroubleBusy
	// TroubleNewer is a ledger that a newer version wrote.
	TroubleNewer
	// TroubleReadOnly is a ledger that may not be written.
	TroubleReadOnly
)

// ErrStorage is what every StorageError is: the ledger cannot be written or read. It may be otherwise later.
var ErrStorage = errors.New("the ledger cannot be used")

// StorageError says why the ledger cannot be written or read.
type StorageError struct {
	Trouble Trouble
	// Message names the place.
	Message string
}

func (e *StorageError) Error() string { return e.Message }

// Is tells that it is an ErrStorage.
func (*StorageError) Is(target error) bool { return target == ErrStorage }
