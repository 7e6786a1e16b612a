// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// rig is a watcher that goes by the test's clock and looks when the test says so, with all that it told.
type rig struct {
	*Watcher
	path     string
	clock    time.Time
	written  time.Duration // taken from the time of each file, so that times differ
	applied  []string
	statuses []string // empty text: well again
	logs     *observer.ObservedLogs
}

// newRig accepts every content that does not contain "bad".
func newRig(t *testing.T) *rig {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	r := &rig{path: filepath.Join(t.TempDir(), "users.csv"), clock: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), logs: logs}
	r.Watcher = New(Settings{
		What: "the attribution file", Path: r.path, MaxBytes: 100, Logger: zap.New(core),
		Apply: func(content []byte) error {
			if bytes.Contains(content, []byte("bad")) {
				return errors.New("line 1 is bad")
			}
			r.applied = append(r.applied, string(content))
			return nil
		},
		Status: func(reason error) {
			if reason == nil {
				r.statuses = append(r.statuses, "")
				return
			}
			r.statuses = append(r.statuses, reason.Error())
		},
	})
	r.now = func() time.Time { return r.clock }
	return r
}

// write writes the file in place, as of a time before the clock's.
func (r *rig) write(t *testing.T, content string, age time.Duration) {
	t.Helper()
	require.NoError(t, os.WriteFile(r.path, []byte(content), 0o600))
	r.written += time.Millisecond
	at := r.clock.Add(-age).Add(-r.written)
	require.NoError(t, os.Chtimes(r.path, at, at))
}

// old is more than a writer needs.
const old = time.Minute

// Scenario: a file is read at the start, and changes in size, in time only, by replacement with the same size and
// time, and by a symbolic link further up, as config maps do.
// Guarantee: each content is applied once, and nothing is done while nothing changes.
func TestChangesAreApplied(t *testing.T) {
	r := newRig(t)
	r.write(t, "one", old)
	require.NoError(t, r.load())
	for range 3 {
		assert.Equal(t, DefaultInterval, r.look())
	}
	assert.Equal(t, []string{"one"}, r.applied)

	r.write(t, "longer", old)
	r.look()
	r.write(t, "LONGER", old)
	r.look()
	before, err := os.Stat(r.path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.path+".new", []byte("Longer"), 0o600))
	require.NoError(t, os.Chtimes(r.path+".new", before.ModTime(), before.ModTime()))
	require.NoError(t, os.Rename(r.path+".new", r.path))
	r.look()
	assert.Equal(t, []string{"one", "longer", "LONGER", "Longer"}, r.applied)

	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	require.NoError(t, os.WriteFile(first, []byte("Longer"), 0o600))
	require.NoError(t, os.WriteFile(second, []byte("linked"), 0o600))
	for _, target := range []string{first, second} {
		require.NoError(t, os.Remove(r.path))
		require.NoError(t, os.Symlink(target, r.path))
		r.look()
	}
	r.look()
	assert.Equal(t, []string{"one", "longer", "LONGER", "Longer", "linked"}, r.applied)
	assert.Equal(t, 4, r.logs.FilterMessage("the attribution file has changed: the new content is in use").Len())
	assert.Empty(t, r.statuses)
}

// Scenario: a file is being written in place while it is looked at.
// Guarantee: half of it is never applied; the whole is, soon after the writer is done.
func TestHalfWrittenFilesAreNotApplied(t *testing.T) {
	r := newRig(t)
	r.write(t, "whole", old)
	require.NoError(t, r.load())

	r.write(t, "ha", 0)
	r.clock = r.clock.Add(settleTime / 2)
	assert.Equal(t, settleTime, r.look(), "it is looked at again soon")
	r.write(t, "half", 0)
	r.clock = r.clock.Add(settleTime / 2)
	r.look()
	r.clock = r.clock.Add(settleTime)
	assert.Equal(t, DefaultInterval, r.look())
	assert.Equal(t, []string{"whole", "half"}, r.applied)
}

// Scenario: a file changes twice within one step of the file system's clock, to contents of the same size.
// Guarantee: the second one is noticed, although neither size nor time nor inode differ.
func TestChangesOfEqualTimeAreApplied(t *testing.T) {
	r := newRig(t)
	r.write(t, "one", 0)
	require.NoError(t, r.load())
	info, err := os.Stat(r.path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.path, []byte("two"), 0o600))
	require.NoError(t, os.Chtimes(r.path, info.ModTime(), info.ModTime()))
	r.clock = r.clock.Add(DefaultInterval)
	r.look()
	assert.Equal(t, []string{"one", "two"}, r.applied)
}

// Scenario: a file has a time in the future, from a machine whose clock is ahead.
// Guarantee: its changes are applied all the same.
func TestTimesInTheFuture(t *testing.T) {
	r := newRig(t)
	r.write(t, "one", -time.Hour)
	require.NoError(t, r.load())
	r.write(t, "two", -time.Hour)
	r.look()
	r.look()
	assert.Equal(t, []string{"one", "two"}, r.applied)
}

// Scenario: a file goes bad, goes bad otherwise, vanishes, comes back bad, and comes back as it was.
// Guarantee: what was applied stays; each distinct failure is logged and reported once, with path, reason, and since
// when what is in use; then it is well again, without a second application.
func TestBadFilesKeepTheFormerContent(t *testing.T) {
	r := newRig(t)
	r.write(t, "good", old)
	require.NoError(t, r.load())
	looks := func() {
		for range 3 {
			r.clock = r.clock.Add(DefaultInterval)
			r.look()
		}
	}
	r.write(t, "bad", old)
	looks()
	r.write(t, strings.Repeat("x", 101), old)
	looks()
	require.NoError(t, os.Remove(r.path))
	looks()
	r.write(t, "bad", old)
	looks()
	r.write(t, "good", old)
	looks()

	assert.Equal(t, []string{"good"}, r.applied)
	reasons := []string{
		"line 1 is bad", "it is larger than 100 bytes: shorten it", "it does not exist: create it", "line 1 is bad",
	}
	require.Len(t, r.statuses, len(reasons)+1)
	failures := r.logs.FilterLevelExact(zap.ErrorLevel).All()
	require.Len(t, failures, len(reasons))
	for i, reason := range reasons {
		assert.Contains(t, r.statuses[i], "cannot use the attribution file "+r.path+": "+reason)
		assert.Contains(t, r.statuses[i], "what was read at 2026-11-01T12:00:00Z stays in use")
		fields := failures[i].ContextMap()
		assert.Equal(t, r.path, fields["path"])
		assert.Contains(t, fields["error"], reason)
		assert.Equal(t, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), fields["in_use_since"])
	}
	assert.Empty(t, r.statuses[len(reasons)])
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("can be used again").Len())
}

// Scenario: a failure ends with a new content.
// Guarantee: it is applied, and the status is well.
func TestRepairWithANewContent(t *testing.T) {
	r := newRig(t)
	r.write(t, "good", old)
	require.NoError(t, r.load())
	r.write(t, "bad", old)
	r.look()
	r.write(t, "better", old)
	r.look()
	assert.Equal(t, []string{"good", "better"}, r.applied)
	require.Len(t, r.statuses, 2)
	assert.Empty(t, r.statuses[1])
}

// Scenario: at the start the file is missing, refused, too large, a directory, a pipe, or may not be read.
// Guarantee: Start fails at once, names the path, and says what to do; nothing keeps running.
func TestStartFails(t *testing.T) {
	for name, test := range map[string]struct {
		make func(t *testing.T, path string)
		part string
	}{
		"missing":   {func(*testing.T, string) {}, "it does not exist: create it, or correct the path"},
		"refused":   {func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte("bad"), 0o600)) }, "line 1 is bad"},
		"too large": {func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, make([]byte, 101), 0o600)) }, "larger than 100 bytes"},
		"directory": {func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) }, "it is a directory: name the file in it"},
		"pipe":      {func(t *testing.T, path string) { require.NoError(t, syscall.Mkfifo(path, 0o600)) }, "it is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			test.make(t, r.path)
			err := r.Start()
			require.ErrorContains(t, err, "cannot use the attribution file "+r.path+": ")
			require.ErrorContains(t, err, test.part)
			assert.NotContains(t, err.Error(), "stays in use")
			assert.Empty(t, r.applied)
			require.NoError(t, r.Shutdown(t.Context()))
		})
	}
}

// Scenario: a start fails, and is tried again after the file was repaired.
// Guarantee: it succeeds; the reasons of the file system stay recognisable.
func TestStartAgain(t *testing.T) {
	r := newRig(t)
	err := r.Start()
	require.ErrorIs(t, err, os.ErrNotExist)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	r.write(t, "good", old)
	require.NoError(t, r.Start())
	require.NoError(t, r.Shutdown(t.Context()))
	assert.Equal(t, []string{"good"}, r.applied)
}

// Scenario: the real goroutine and the real clock, a file that changes many times while its content is in use.
// Guarantee: the last content arrives, and Shutdown leaves nothing running.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.toml")
	require.NoError(t, os.WriteFile(path, []byte("0"), 0o600))
	var current atomic.Value
	w := New(Settings{
		What: "the price file", Path: path, Interval: time.Millisecond,
		Apply: func(content []byte) error {
			current.Store(string(content))
			return nil
		},
	})
	require.NoError(t, w.Start())
	for _, content := range []string{"1", "22", "333"} {
		require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o600))
		require.NoError(t, os.Chtimes(path+".new", time.Now().Add(-old), time.Now().Add(-old)))
		require.NoError(t, os.Rename(path+".new", path))
		require.Eventually(t, func() bool { return current.Load() == content }, 10*time.Second, time.Millisecond)
	}
	require.NoError(t, w.Shutdown(t.Context()))
	require.NoError(t, w.Shutdown(t.Context()))
}

// Scenario: Shutdown with a deadline while a content is being applied; Shutdown without Start, and of no watcher.
// Guarantee: the first returns at the deadline and says what it waits for, and may be called again; the others are fine.
func TestShutdown(t *testing.T) {
	entered, free := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	path := filepath.Join(t.TempDir(), "prices.toml")
	require.NoError(t, os.WriteFile(path, []byte("0"), 0o600))
	w := New(Settings{What: "the price file", Path: path, Interval: time.Millisecond, Apply: func([]byte) error {
		if calls.Add(1) == 2 {
			close(entered)
			<-free
		}
		return nil
	}})
	require.NoError(t, w.Shutdown(t.Context()))
	require.NoError(t, w.Start())
	require.NoError(t, os.WriteFile(path, []byte("changed"), 0o600))
	require.NoError(t, os.Chtimes(path, time.Now().Add(-old), time.Now().Add(-old)))
	<-entered
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := w.Shutdown(ended)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "the price file "+path+" is still being read")
	close(free)
	require.NoError(t, w.Shutdown(t.Context()))

	var none *Watcher
	require.NoError(t, none.Shutdown(t.Context()))
}

// Scenario: a failure and its end are reported to a host.
// Guarantee: health checks see a recoverable error with its reason, then that all is well.
func TestReportTo(t *testing.T) {
	host := &statusHost{}
	report := ReportTo(host)
	report(errors.New("line 1 is bad"))
	report(nil)
	require.Len(t, host.events, 2)
	assert.Equal(t, componentstatus.StatusRecoverableError, host.events[0].Status())
	require.ErrorContains(t, host.events[0].Err(), "line 1 is bad")
	assert.Equal(t, componentstatus.StatusOK, host.events[1].Status())
}

// Scenario: two files of one component cannot be used; the one that went bad later is repaired first.
// Guarantee: the component is well again only with the second repair, and shows what lasts until then.
func TestHealthOfTwoFiles(t *testing.T) {
	host := &statusHost{}
	health := NewHealth(host)
	first, second := health.Reporter(), health.Reporter()
	first(errors.New("prices are bad"))
	second(errors.New("users are bad"))
	second(nil)
	first(nil)
	var seen []string
	for _, event := range host.events {
		text := event.Status().String()
		if event.Err() != nil {
			text += ": " + event.Err().Error()
		}
		seen = append(seen, text)
	}
	assert.Equal(t, []string{
		"StatusRecoverableError: prices are bad", "StatusRecoverableError: users are bad", "StatusRecoverableError: prices are bad", "StatusOK",
	}, seen)
}

// statusHost remembers what components report.
type statusHost struct {
	component.Host
	mu     sync.Mutex
	events []*componentstatus.Event
}

func (h *statusHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event)
}
