// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// noticeInterval is the least time between two log lines about the same thing that clients can cause (D8).
const noticeInterval = time.Minute

// limitedNotice lets one log line out per noticeInterval; what is counted in between is part of the next line.
type limitedNotice struct {
	mu      sync.Mutex
	pending int64
	next    time.Time // no line before this
}

// add counts events and returns how many a log line that is due now has to name, or 0 if none is due.
func (l *limitedNotice) add(events int64, now time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending += events
	if l.pending == 0 || now.Before(l.next) {
		return 0
	}
	due := l.pending
	l.pending = 0
	l.next = now.Add(noticeInterval)
	return due
}

// notices are the log lines of one metrics processor: few, each with what to do, whatever clients send.
type notices struct {
	logger   *zap.Logger
	invalid  limitedNotice
	refused  limitedNotice
	poisoned sync.Once

	mu        sync.Mutex
	stepsBack int64 // clock steps that were warned of
}

// invalidPoints warns of points that were dropped because no total can hold them (D8). With 0 points it says what is
// still to be said.
func (n *notices) invalidPoints(points int64, now time.Time) {
	if due := n.invalid.add(points, now); due > 0 {
		n.logger.Warn("dropped points that cannot be added: a value is not finite, or negative on a monotonic sum, or a histogram contradicts itself",
			zap.Int64("points", due))
	}
}

// tickRefused warns of periodic output that the next component did not take. Nobody else would tell: no sender waits
// for the answer.
func (n *notices) tickRefused(now time.Time, err error) {
	if due := n.refused.add(1, now); due > 0 {
		n.logger.Warn("the next component refused totals; they go out again at the next tick",
			zap.Int64("times", due), zap.Error(err))
	}
}

// enginePoisoned says once that the library stopped after a fault of its own.
func (n *notices) enginePoisoned(err error) {
	n.poisoned.Do(func() {
		n.logger.Error("the library stopped after a fault of its own; from now on metrics pass unchanged, as the clients send them, until the collector is restarted; please report this",
			zap.Error(err))
	})
}

// clockSteps warns of each step back of the wall clock (D4).
func (n *notices) clockSteps(total int64) {
	n.mu.Lock()
	steps := total - n.stepsBack
	n.stepsBack = total
	n.mu.Unlock()
	if steps > 0 {
		n.logger.Warn("the wall clock stepped back by more than a minute; times of output go on in steps of 1ms until it has caught up",
			zap.Int64("steps", steps))
	}
}

// totalsEnd says that the totals are gone with this instance (L6).
func (n *notices) totalsEnd(streams int64) {
	n.logger.Info("totals are kept in memory only: after a restart or a reload of the configuration they start anew",
		zap.Int64("streams", streams))
}
