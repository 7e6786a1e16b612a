// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// inDirectory keeps a ledger in a directory that need not be there.
func inDirectory(directory string) func(*Config) {
	return func(c *Config) {
		c.Storage = Storage{Directory: directory, SnapshotInterval: 5 * time.Minute, Usage: true}
	}
}

// Scenario: an engine with a ledger ends, another one is made for the same directory.
// Guarantee: it goes on with the total, without a second zero, and says what it found.
func TestTotalsOutliveTheEngine(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "state", "token_ledger")
	first, clock := newTestEngine(t, inDirectory(directory))
	assert.False(t, first.Opening().Restored)
	clock.advance(10 * time.Second)
	consume(t, first, deltas("tokens", began.Add(5*time.Second), 5))
	require.NoError(t, first.Maintain(false))
	require.NoError(t, first.Maintain(true))
	first.Close()
	require.ErrorIs(t, first.Maintain(false), ErrClosed)

	clock.advance(time.Minute)
	second, _ := newTestEngine(t, inDirectory(directory), func(c *Config) { c.Clock = clock.read })
	opening := second.Opening()
	assert.True(t, opening.Restored)
	assert.Equal(t, int64(1), opening.Streams)
	assert.Equal(t, int64(1), second.Stats().LedgerRestoredStreams)
	assert.True(t, opening.Created.Equal(began), opening.Created)
	assert.Zero(t, opening.Damaged)
	assert.Empty(t, opening.Warnings)
	clock.advance(time.Minute)
	lines, _ := consume(t, second, deltas("tokens", began.Add(2*time.Minute), 7))
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0], " 12@")
}

// Scenario: a ledger is made in a directory that is not there.
// Guarantee: nobody else may look into it.
func TestLedgerIsPrivate(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "state", "token_ledger")
	newTestEngine(t, inDirectory(directory))
	for _, made := range []string{directory, filepath.Dir(directory)} {
		info, err := os.Stat(made)
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o007, "%s: %s", made, info.Mode())
	}
}

// Scenario: two engines for one directory.
// Guarantee: the second is refused for that reason, with the directory; without the first it is made.
func TestOneEngineHasTheLedger(t *testing.T) {
	directory := t.TempDir()
	first, _ := newTestEngine(t, inDirectory(directory))
	cfg := defaultConfig()
	inDirectory(directory)(&cfg)
	_, err := New(cfg)
	var refused *StorageError
	require.ErrorAs(t, err, &refused)
	require.ErrorIs(t, err, ErrStorage)
	assert.Equal(t, TroubleBusy, refused.Trouble)
	assert.Contains(t, refused.Message, directory)
	first.Close()
	newTestEngine(t, inDirectory(directory))
}

// Scenario: the disk becomes full, and has space again later.
// Guarantee: the request at hand is an error and unchanged, though in the total; later ones are not taken in; a tick
// brings nothing. With space the total goes out at a tick, and the retry of the first request adds nothing (D3, L4).
func TestFullDiskStopsTheIntake(t *testing.T) {
	e, clock := newTestEngine(t, inDirectory(t.TempDir()))
	clock.advance(10 * time.Second)
	consume(t, e, deltas("tokens", began.Add(5*time.Second), 5))

	e.InjectFullDisk(true)
	request := func() pmetric.Metrics { return deltas("tokens", began.Add(7*time.Second), 7) }
	md := request()
	b, err := e.Consume(md, nil)
	var failed *StorageError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, TroubleFull, failed.Trouble)
	assert.Equal(t, request(), md)
	require.NotNil(t, b)
	assert.Equal(t, Outcomes{Accepted: 1}, b.Outcomes())
	b.Release()

	clock.advance(10 * time.Second)
	b, err = e.Consume(deltas("tokens", began.Add(15*time.Second), 11), nil)
	require.ErrorIs(t, err, ErrStorage)
	assert.Nil(t, b)
	require.ErrorIs(t, e.Tick(false, func(Metadata, pmetric.Metrics) error {
		assert.Fail(t, "nothing may go out")
		return nil
	}), ErrStorage)
	assert.Equal(t, int64(1), e.Stats().LedgerStopped)
	assert.Positive(t, e.Stats().LedgerFailedCommits)

	e.InjectFullDisk(false)
	clock.advance(time.Minute)
	assert.Equal(t, []string{"tokensmap[session.id:one] 12@8.001"}, tick(t, e, false))
	assert.Zero(t, e.Stats().LedgerStopped)
	_, outcomes := consume(t, e, request())
	assert.Equal(t, Outcomes{Duplicate: 1}, outcomes)
}

// Scenario: an engine with a ledger panics.
// Guarantee: they get the error of a poisoned engine, which passes data on; the ledger is free for the next engine.
func TestPanicWithLedger(t *testing.T) {
	directory := t.TempDir()
	e, clock := newTestEngine(t, inDirectory(directory))
	clock.advance(10 * time.Second)
	e.InjectPanic()
	require.ErrorIs(t, e.Maintain(false), ErrPoisoned)
	b, err := e.Consume(deltas("tokens", began.Add(5*time.Second), 5), nil)
	require.ErrorIs(t, err, ErrPoisoned)
	assert.Nil(t, b)
	e.Close()
	newTestEngine(t, inDirectory(directory)) // the ledger is free again
}

// Scenario: many goroutines send at once, beside ticks and maintenance.
// Guarantee: every request is settled, and nothing is lost. Run with -race.
func TestManyWaitForTheLedger(t *testing.T) {
	e, clock := newTestEngine(t, inDirectory(t.TempDir()))
	clock.advance(time.Hour)
	var all sync.WaitGroup
	const goroutines, requests = 16, 50
	for worker := range goroutines {
		all.Go(func() {
			for request := range requests {
				md := deltas("tokens", began.Add(time.Duration(worker*requests+request)*time.Second), 1)
				b, err := e.Consume(md, nil)
				if assert.NoError(t, err) {
					b.Release()
				}
			}
		})
	}
	all.Go(func() { assert.NoError(t, e.Maintain(false)) })
	all.Wait()
	lines, _ := consume(t, e, deltas("tokens", began.Add(59*time.Minute), 1))
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0], fmt.Sprintf(" %d@", goroutines*requests+1))
}

// Scenario: every mode of sync.
// Guarantee: the library is told it in its own words.
func TestStorageAsTheLibraryReadsIt(t *testing.T) {
	for expected, sync := range map[string]Sync{
		`"process"`: SyncProcess, `"disk"`: SyncDisk, `{"every_nano":1500000000}`: SyncEvery(1500 * time.Millisecond),
	} {
		text, err := json.Marshal(Storage{
			Directory: "/state", Sync: sync, SnapshotInterval: time.Minute, Retention: time.Hour, Usage: true,
		})
		require.NoError(t, err)
		assert.JSONEq(t, `{"directory":"/state","sync":`+expected+
			`,"snapshot_interval_nano":60000000000,"usage_retention_nano":3600000000000,"usage":true}`, string(text))
		e, _ := newTestEngine(t, inDirectory(t.TempDir()), func(c *Config) { c.Storage.Sync = sync })
		assert.NotNil(t, e)
	}
}

// Scenario: the system's clock when the engine is made.
// Guarantee: what is as old as anything that is remembered has a moment on it (T3: 30 days).
func TestMonotonicClockReachesBack(t *testing.T) {
	_, monotonic := systemClock()()
	assert.Greater(t, monotonic, 30*24*time.Hour)
	assert.Less(t, monotonic, 101*24*time.Hour)
}
