// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
)

// Defaults of Settings.
const (
	DefaultInterval = 10 * time.Second
	// MinInterval is the shortest that components accept, so that a typo keeps none of them busy.
	MinInterval     = time.Second
	DefaultMaxBytes = 16 << 20
)

// settleTime is how long a file must not have been written before a change is taken over: whoever writes in place is
// not at the end yet, and within a step of the file system's clock two contents can have the same time.
const settleTime = time.Second

// Settings say which file is watched and what becomes of it.
type Settings struct {
	// What names the file in messages, with an article: "the attribution file".
	What string
	// Path is where the file is. Symbolic links are followed at each look.
	Path string
	// Interval is the time between two looks; 0 is DefaultInterval.
	Interval time.Duration
	// MaxBytes is how large the file may be; 0 is DefaultMaxBytes.
	MaxBytes int64
	// Apply takes a content into use, or says why it cannot be used and changes nothing. It is never called by two
	// goroutines at the same time. The content is its own to keep. What an error says goes into the log and into the
	// component's status, so it must not repeat what is confidential in the file.
	Apply func(content []byte) error
	// Status is told each distinct reason why the file's present content is not in use, and nil as soon as it is again.
	// It is not called while all is well, nor before Start returns; nil if nobody wants to know. See ReportTo.
	Status func(reason error)
	// Logger gets one line for each distinct failure and for each change.
	Logger *zap.Logger
}

type digest = [sha256.Size]byte

// Watcher keeps what is in use in step with a file.
type Watcher struct {
	settings Settings
	now      func() time.Time

	// Used by Start, then by the goroutine only.
	seen    os.FileInfo // of the content last read, nil if it has to be read again
	settled bool        // seen can be relied on: what is written from now on has another time
	inUse   time.Time   // since when the accepted content is in use, zero before Start
	digest  digest      // of the accepted content
	refused digest      // of the content that was refused last
	refusal error       // why, nil if none was
	failing string      // the failure that was reported, empty while all is well

	cancel context.CancelFunc // set by Start
	done   chan struct{}
}

// New returns a watcher that has not looked at the file yet.
func New(settings Settings) *Watcher {
	if settings.Interval <= 0 {
		settings.Interval = DefaultInterval
	}
	if settings.MaxBytes <= 0 {
		settings.MaxBytes = DefaultMaxBytes
	}
	if settings.Status == nil {
		settings.Status = func(error) {}
	}
	if settings.Logger == nil {
		settings.Logger = zap.NewNop()
	}
	return &Watcher{settings: settings, now: time.Now}
}

// Start reads the file, has it applied, and begins to watch it. A file that cannot be used is an error: at the start
// there is no former content, and a typo is to be seen at once. After an error Start may be called again.
func (w *Watcher) Start() error {
	if err := w.load(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.done = cancel, make(chan struct{})
	go w.watch(ctx)
	return nil
}

// Shutdown ends the watch and waits until a look under way has ended, at most until ctx ends; then it returns the reason
// and may be called again. Without Start, or a second time, there is nothing to do.
func (w *Watcher) Shutdown(ctx context.Context) error {
	if w == nil || w.cancel == nil {
		return nil
	}
	w.cancel()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s %s is still being read: %w", w.settings.What, w.settings.Path, ctx.Err())
	}
}

// watch looks at the file until ctx ends.
func (w *Watcher) watch(ctx context.Context) {
	defer close(w.done)
	timer := time.NewTimer(w.settings.Interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(w.look())
		}
	}
}

// load is the first look.
func (w *Watcher) load() error {
	info, content, err := readFile(w.settings.Path, w.settings.MaxBytes)
	if err == nil {
		err = w.apply(content)
	}
	if err != nil {
		return w.failure(err)
	}
	w.remember(info)
	return nil
}

// look takes the file over if it has changed, and returns the time until the next look.
func (w *Watcher) look() time.Duration {
	info, err := stat(w.settings.Path)
	if err != nil {
		w.seen = nil
		w.fail(err)
		return w.settings.Interval
	}
	same := w.seen != nil && isSame(w.seen, info)
	if same && w.settled {
		return w.settings.Interval
	}
	if !same && w.isBeingWritten(info) {
		w.seen, w.settled = info, false
		return min(settleTime, w.settings.Interval)
	}
	info, content, err := readFile(w.settings.Path, w.settings.MaxBytes)
	if err != nil {
		w.seen = nil
		w.fail(err)
		return w.settings.Interval
	}
	w.remember(info)
	w.take(content)
	return w.settings.Interval
}

// take applies a content, unless that was the last one tried, and reports what came of it.
func (w *Watcher) take(content []byte) {
	before := w.digest
	if err := w.apply(content); err != nil {
		w.fail(err)
		return
	}
	log := w.settings.Logger.With(zap.String("path", w.settings.Path))
	switch {
	case w.digest != before:
		log.Info(w.settings.What + " has changed: the new content is in use")
	case w.failing != "":
		log.Info(w.settings.What+" can be used again: its content is the one in use", zap.Time("in_use_since", w.inUse))
	}
	if w.failing != "" {
		w.failing = ""
		w.settings.Status(nil)
	}
}

// apply hands a content on, unless it is in use already or was refused before.
func (w *Watcher) apply(content []byte) error {
	digest := sha256.Sum256(content)
	switch {
	case !w.inUse.IsZero() && digest == w.digest:
		return nil
	case w.refusal != nil && digest == w.refused:
		return w.refusal
	}
	if err := w.settings.Apply(content); err != nil {
		w.refused, w.refusal = digest, err
		return err
	}
	w.digest, w.inUse = digest, w.now()
	return nil
}

// fail reports a failure that differs from the last one.
func (w *Watcher) fail(reason error) {
	if w.failing == reason.Error() {
		return
	}
	w.failing = reason.Error()
	w.settings.Logger.Error(w.settings.What+" cannot be used: what was read before stays in use until the file is repaired",
		zap.String("path", w.settings.Path), zap.Error(reason), zap.Time("in_use_since", w.inUse))
	w.settings.Status(w.failure(reason))
}

func (w *Watcher) failure(reason error) error {
	return &Error{What: w.settings.What, Path: w.settings.Path, InUseSince: w.inUse, Reason: reason}
}

// remember notes which file was read. A file that was written just now may be written again without a visible change
// of its time, so it is read again at the next look.
func (w *Watcher) remember(info os.FileInfo) {
	w.seen, w.settled = info, !w.isBeingWritten(info)
}

// isBeingWritten says whether a file was written so recently that more may follow. A time in the future, from a machine
// whose clock is ahead, tells nothing: then two looks have to see the same, and each look reads.
func (w *Watcher) isBeingWritten(info os.FileInfo) bool {
	return w.now().Sub(info.ModTime()) < settleTime
}

// Error says why a file is not in use as it is.
type Error struct {
	// What and Path name the file.
	What, Path string
	// InUseSince is since when the former content is in use, zero if there is none.
	InUseSince time.Time
	// Reason is what is wrong.
	Reason error
}

// Error says it in one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("cannot use %s %s: %s", e.What, e.Path, e.Reason)
	if !e.InUseSince.IsZero() {
		text += fmt.Sprintf("; what was read at %s stays in use", e.InUseSince.Format(time.RFC3339))
	}
	return text
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }
