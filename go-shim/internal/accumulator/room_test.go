// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
)

// statusHost is a host that remembers which status components reported.
type statusHost struct{ statuses []componentstatus.Status }

func (*statusHost) GetExtensions() map[component.ID]component.Component { return nil }

func (h *statusHost) Report(event *componentstatus.Event) {
	h.statuses = append(h.statuses, event.Status())
}

// roomTest is a room whose clock, host and log are the test's.
type roomTest struct {
	room
	host *statusHost
	logs *observer.ObservedLogs
	now  time.Time
}

func newRoomTest() *roomTest {
	core, logs := observer.New(zap.InfoLevel)
	host := &statusHost{}
	return &roomTest{room{logger: zap.New(core), health: &health{host: host}, remedy: "raise the limit"}, host, logs, enginetest.Begin}
}

// after moves the clock, takes outcomes in and ticks.
func (r *roomTest) after(d time.Duration, outcomes engine.Outcomes) {
	r.now = r.now.Add(d)
	r.note(outcomes, func() engine.Stats {
		return engine.Stats{Streams: 7, MaxStreams: 7, StateBytes: 2, TextBytes: 3, ScratchBytes: 4}
	}, r.now)
	r.look(r.now)
}

const (
	degraded = componentstatus.StatusRecoverableError
	ok       = componentstatus.StatusOK
)

// Scenario: points find room for a while, then overflow for minutes, then find room again, twice.
// Guarantee: one status and one line for each change, a minute after the last point without room (T5).
func TestScarceRoomIsReportedOnChange(t *testing.T) {
	r := newRoomTest()
	r.after(time.Second, engine.Outcomes{Accepted: 9, Late: 1, Duplicate: 1, Invalid: 1, NoValue: 1, Superseded: 1, Baseline: 1, Untouched: 1})
	assert.Empty(t, r.host.statuses)
	for range 200 {
		r.after(time.Second, engine.Outcomes{Accepted: 9, Overflow: 2})
	}
	assert.Equal(t, []componentstatus.Status{degraded}, r.host.statuses)
	r.after(59*time.Second, engine.Outcomes{Accepted: 1})
	assert.Equal(t, []componentstatus.Status{degraded}, r.host.statuses)
	r.after(time.Second, engine.Outcomes{Accepted: 1})
	assert.Equal(t, []componentstatus.Status{degraded, ok}, r.host.statuses)
	r.after(time.Hour, engine.Outcomes{Refused: 1})
	r.after(time.Minute, engine.Outcomes{})
	r.after(time.Hour, engine.Outcomes{})
	assert.Equal(t, []componentstatus.Status{degraded, ok, degraded, ok}, r.host.statuses)

	warnings := r.logs.FilterMessageSnippet("raise the limit").All()
	assert.Len(t, warnings, 2)
	assert.Equal(t, map[string]any{
		"overflow": int64(2), "refused": int64(0), "streams": int64(7), "streams_limit": int64(7),
		"memory_bytes": int64(9), "memory_limit": int64(0), "times": int64(1),
	}, warnings[0].ContextMap())
	assert.Equal(t, 2, r.logs.FilterMessageSnippet("found room").Len())
	assert.Len(t, r.logs.All(), 4)
}

// Scenario: one point overflows every 50 seconds.
// Guarantee: the status does not flap.
func TestScarceRoomDoesNotFlap(t *testing.T) {
	r := newRoomTest()
	for range 20 {
		r.after(50*time.Second, engine.Outcomes{Overflow: 1})
	}
	assert.Equal(t, []componentstatus.Status{degraded}, r.host.statuses)
}

// Scenario: a host that takes no status, and none at all.
// Guarantee: the log lines come nevertheless.
func TestScarceRoomWithoutStatus(t *testing.T) {
	r := newRoomTest()
	r.health.host = nil
	r.after(0, engine.Outcomes{Refused: 1})
	r.after(time.Minute, engine.Outcomes{})
	assert.Len(t, r.logs.All(), 2)
}
