// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package accumulator

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
)

// ledgerIn keeps a ledger in a directory.
func ledgerIn(directory string) func(*Settings) {
	return func(settings *Settings) {
		settings.Engine.Storage = engine.Storage{Directory: directory, SnapshotInterval: time.Minute, Usage: true}
	}
}

// Scenario: totals are accumulated, the processor ends, and another one is made for the same directory: a restart, or a
// reload of the configuration (L6).
// Guarantee: the total goes on, its start is the same, there is no second zero; the log says what is back, and not that
// totals start anew.
func TestTotalsOutliveTheProcessor(t *testing.T) {
	directory := t.TempDir()
	next := &recorder{}
	first := newRig(t, next, ledgerIn(directory))
	first.clock.MoveTo(20 * time.Second)
	require.NoError(t, first.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	start := lastStart(next)
	require.NoError(t, first.Shutdown(t.Context()))
	assert.Zero(t, first.logs.FilterMessageSnippet("start anew").Len())
	assert.Equal(t, 1, first.logs.FilterMessageSnippet("a new ledger begins").Len())

	next = &recorder{}
	second := newRig(t, next, func(settings *Settings) {
		ledgerIn(directory)(settings)
		settings.Engine.Clock = first.clock.Read
	})
	first.clock.MoveTo(80 * time.Second)
	require.NoError(t, second.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	assert.Empty(t, next.AllMetrics(), "a retry across the restart (D3)")
	require.NoError(t, second.ConsumeMetrics(t.Context(), window(70*time.Second, 80*time.Second, "input", 7)))
	second.clock.MoveTo(81 * time.Second)
	require.NoError(t, second.Tick(t.Context(), false))
	assert.Equal(t, map[string]int64{"input": 12}, next.last(tokens))
	assert.Equal(t, start, lastStart(next))
	for _, md := range next.AllMetrics() {
		points := sumPoints(md)
		for i := range points.Len() {
			assert.NotZero(t, points.At(i).IntValue(), "no second zero")
		}
	}
	assert.Equal(t, 1, second.logs.FilterMessageSnippet("totals are back").Len())
}

// Scenario: the disk is full for a while; clients send, and send again.
// Guarantee: each request is refused with an error that is not permanent, nothing is passed on, ticks bring nothing;
// one line says so and the status is degraded. With space everything is in the total once, and both end.
func TestFullDisk(t *testing.T) {
	next, host := &recorder{}, &statusHost{}
	r := newRig(t, next, ledgerIn(t.TempDir()))
	r.health.host = host
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	delivered := len(next.AllMetrics())

	r.InjectFullDisk(true)
	requests := func() []pmetric.Metrics {
		return []pmetric.Metrics{
			window(20*time.Second, 21*time.Second, "input", 7), window(21*time.Second, 22*time.Second, "input", 11),
		}
	}
	for second := time.Duration(30); second < 40; second++ {
		r.clock.MoveTo(second * time.Second)
		for _, request := range requests() {
			err := r.ConsumeMetrics(t.Context(), request)
			require.ErrorIs(t, err, engine.ErrStorage)
			require.ErrorContains(t, err, "disk is full")
			require.False(t, consumererror.IsPermanent(err))
		}
		r.periodicTick(t.Context())
	}
	assert.Len(t, next.AllMetrics(), delivered)
	assert.Equal(t, 20, r.telemetry.(*countingTelemetry).refused)
	assert.Equal(t, []componentstatus.Status{degraded}, host.statuses)
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("cannot be written").Len())

	r.InjectFullDisk(false)
	r.clock.MoveTo(100 * time.Second)
	for _, request := range requests() {
		require.NoError(t, r.ConsumeMetrics(t.Context(), request))
	}
	r.periodicTick(t.Context())
	assert.Equal(t, map[string]int64{"input": 23}, next.last(tokens))
	assert.Equal(t, []componentstatus.Status{degraded, ok}, host.statuses)
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("can be written again").Len())
}

// Scenario: the disk is full when the collector stops, and a total is held.
// Guarantee: the total does not go out, Shutdown says why and what that means, and has ended everything.
func TestShutdownWithFullDisk(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, func(settings *Settings) {
		interval(settings)
		ledgerIn(t.TempDir())(settings)
	})
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	r.InjectFullDisk(true)
	require.ErrorIs(t, r.ConsumeMetrics(t.Context(), window(20*time.Second, 21*time.Second, "input", 5)), engine.ErrStorage)
	require.ErrorIs(t, r.Shutdown(t.Context()), engine.ErrStorage)
	assert.Empty(t, next.AllMetrics())
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("clients send it again").Len())
	assert.Zero(t, r.engine.Stats().MaxStreams, "the engine is closed")
	require.NoError(t, r.Shutdown(t.Context()))
}

// Scenario: two processors for one directory, as when two pipelines use one component.
// Guarantee: the second does not start, and says which name to write; when the first has ended it starts.
func TestSecondProcessorIsRefused(t *testing.T) {
	settings := testSettings()
	ledgerIn(t.TempDir())(&settings)
	first := New(testSet(), settings, consumertest.NewNop(), &countingTelemetry{})
	require.NoError(t, first.Start(t.Context(), componenttest.NewNopHost()))
	second := New(testSet(), settings, consumertest.NewNop(), &countingTelemetry{})
	err := second.Start(t.Context(), componenttest.NewNopHost())
	require.ErrorIs(t, err, engine.ErrStorage)
	for _, part := range []string{settings.Engine.Storage.Directory, "two metrics pipelines", "accumulator/2"} {
		require.ErrorContains(t, err, part)
	}
	require.NoError(t, second.Shutdown(t.Context()))
	require.NoError(t, first.Shutdown(t.Context()))
	third := New(testSet(), settings, consumertest.NewNop(), &countingTelemetry{})
	require.NoError(t, third.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, third.Shutdown(t.Context()))
}

// Scenario: background work fails again and again.
// Guarantee: each time is counted, one line says so, and the processor works on; work that goes well tells the size of
// the files.
func TestFailingMaintenance(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, ledgerIn(t.TempDir()))
	for range 5 {
		r.reportMaintenance(t.Context(), &engine.StorageError{Trouble: engine.TroubleFull, Message: "ledger.db: disk is full"})
	}
	r.maintainLedger(t.Context())
	assert.Positive(t, r.Stats().LedgerFileBytes)
	assert.Equal(t, 5, r.telemetry.(*countingTelemetry).failed)
	assert.Equal(t, 1, r.logs.FilterMessageSnippet("cannot be kept in order").Len())
	r.clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	assert.Equal(t, map[string]int64{"input": 5}, next.last(tokens))
}

// Scenario: a ledger with everything that can be found at a start.
// Guarantee: one line for each, with the numbers.
func TestOpeningIsReported(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	l := ledger{logger: zap.New(core), health: &health{}}
	l.opened("/state/token_ledger", engine.Opening{
		Restored: true, Streams: 7, SourceStreams: 9, Damaged: 2, Created: enginetest.Begin, LastWritten: enginetest.Begin.Add(time.Hour),
		ClockBehind: time.Minute, SettingsChanged: true, Took: time.Second, Warnings: []string{"the directory is on nfs"},
	})
	for snippet, fields := range map[string]map[string]any{
		"is on nfs":           {},
		"are damaged":         {"damaged": int64(2)},
		"totals are back":     {"streams": int64(7), "source_streams": int64(9), "took": time.Second, "made_at": enginetest.Begin, "last_written": enginetest.Begin.Add(time.Hour)},
		"set otherwise":       {},
		"the clock is behind": {"behind": time.Minute, "last_written": enginetest.Begin.Add(time.Hour)},
	} {
		lines := logs.FilterMessageSnippet(snippet).All()
		require.Len(t, lines, 1, snippet)
		fields["directory"] = "/state/token_ledger"
		assert.Equal(t, fields, lines[0].ContextMap())
	}
	assert.Len(t, logs.All(), 5)
}

// Scenario: an engine cannot be made, for the sake of a ledger or not; the component has the name `2` already.
// Guarantee: what the library says comes through, and the name that is proposed is another one.
func TestOpenFailures(t *testing.T) {
	id := component.MustNewIDWithName("accumulator", "2")
	busy := openFailure(id, &engine.StorageError{Trouble: engine.TroubleBusy, Message: "/state is taken"})
	require.ErrorContains(t, busy, "cannot open the ledger of accumulator/2: /state is taken; ")
	require.ErrorContains(t, busy, "name the second one accumulator/3")
	newer := openFailure(id, &engine.StorageError{Trouble: engine.TroubleNewer, Message: "/state is newer"})
	require.EqualError(t, newer, "cannot open the ledger of accumulator/2: /state is newer")
	other := openFailure(id, errors.New("no library"))
	require.EqualError(t, other, "cannot create the engine of accumulator/2: no library")
}

// Scenario: two reasons for a degraded status begin and end, one of them twice.
// Guarantee: the status is OK only when both have ended.
func TestHealthKnowsAllReasons(t *testing.T) {
	host := &statusHost{}
	h := health{host: host}
	h.restore(errNoRoom)
	h.degrade(errNoRoom)
	h.degrade(errNoRoom)
	h.degrade(errLedgerStopped)
	h.restore(errNoRoom)
	h.restore(errNoRoom)
	h.restore(errLedgerStopped)
	assert.Equal(t, []componentstatus.Status{degraded, degraded, degraded, ok}, host.statuses)
}

// lastStart is the start of the last point that left.
func lastStart(next *recorder) time.Time {
	points := sumPoints(next.AllMetrics()[len(next.AllMetrics())-1])
	return points.At(points.Len() - 1).StartTimestamp().AsTime()
}

func sumPoints(md pmetric.Metrics) pmetric.NumberDataPointSlice {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
}
