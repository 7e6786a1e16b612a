package tests

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/workload"
)

// restartDelay is the first value delay where Prometheus scrapes each second.
const restartDelay = 3 * time.Second

// restartSignals are the two ways to end.
var restartSignals = map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL}

// Scenario: Prometheus scrapes a page each second while sessions send; the collector ends and starts again two seconds
// later, and the senders repeat what was not taken. One session has ended before; of another the first values are held
// when the collector ends (L5: they survive in the ledger). Guarantee:
// what Prometheus stores has no reset and begins at 0, increase() over the restart is the truth for all of them, starts
// stay, and the ended session is back without new data (D6, L2).
func TestPrometheusScrapesThroughARestart(t *testing.T) {
	t.Parallel()
	for name, signal := range restartSignals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{
				Config: pageConfig(keeping("sync: process")),
				Env:    map[string]string{"TOKENLEDGER_FIRST_VALUE_DELAY": restartDelay.String()},
			})
			prometheus := harness.StartPrometheus(t, fmt.Sprintf(
				"scrape_configs: [{job_name: page, honor_labels: true, scrape_interval: 1s, static_configs: [{targets: [%q]}]}]",
				collector.PageAddress()))
			prometheus.WaitForTargets(t, 1)
			run := newStoreRun(t, collector, prometheus, name)
			run.idle(t)
			run.load.Resume()
			time.Sleep(2 * restartDelay) // work as usual; nothing is concluded from it
			watch := harness.StartWatch(t)
			watch.See(run.page(t))

			run.send(t, run.session(t, "2.1.329", "held"))
			down := run.restart(t, signal)
			run.requireIdleBack(t, down)
			watch.See(run.page(t))
			time.Sleep(restartDelay) // work as usual
			run.load.Finish()
			run.requireTruth(t)
		})
	}
}

// Scenario: the same with a collector that pushes once a second by remote write, and a session whose values were taken
// but not pushed yet. Guarantee: the same, and Prometheus never refuses a sample as too old or out of order (L3, D4).
func TestPrometheusIsPushedThroughARestart(t *testing.T) {
	t.Parallel()
	for name, signal := range restartSignals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prometheus := harness.StartPrometheus(t, "global: {}", "--web.enable-remote-write-receiver")
			proxy := harness.StartProxy(t, prometheus.URL())
			config := strings.Replace(remoteWriteConfig(proxy), "{emit:", "{"+keeping("sync: process")+", emit:", 1)
			collector := harness.StartCollector(t, harness.Setup{Config: config})
			run := newStoreRun(t, collector, prometheus, name)
			run.load.Resume()
			time.Sleep(4 * time.Second) // work as usual; nothing is concluded from it
			run.send(t, run.session(t, "2.1.329", "not pushed yet"))
			run.restart(t, signal)
			time.Sleep(3 * time.Second) // work as usual
			run.load.Finish()
			run.requireTruth(t)
			requireOnlySuccess(t, proxy.Answers())
		})
	}
}

// storeRun is a collector with a real store behind it and a load in front.
type storeRun struct {
	label      string
	collector  *harness.Collector
	prometheus *harness.Prometheus
	load       *workload.Load
	sessions   []capture.Session
	want       capture.Totals // without those of the load
	idleKeys   []string
}

func newStoreRun(t *testing.T, collector *harness.Collector, prometheus *harness.Prometheus, label string) *storeRun {
	t.Helper()
	run := &storeRun{label: label, collector: collector, prometheus: prometheus, want: capture.Totals{}}
	var sources []workload.Source
	for _, version := range capture.Versions {
		c := run.session(t, version, "busy")
		sources = append(sources, workload.Captured(t, c, nil))
	}
	run.load = workload.Start(t, collector, 1, 50*time.Millisecond, sources...)
	return run
}

// session is a recorded pair of sessions of their own.
func (run *storeRun) session(t *testing.T, version, what string) capture.Capture {
	t.Helper()
	c := load(t, version, capture.Protobuf, strings.Join([]string{"restart", run.label, version, what}, " "))
	run.sessions = append(run.sessions, c.Sessions...)
	return c
}

// send sends a capture as if it happened now.
func (run *storeRun) send(t *testing.T, c capture.Capture) {
	t.Helper()
	client := run.collector.Client(t, harness.HTTPProtobuf)
	for _, request := range c.InOrderOfTime(t) {
		require.NoError(t, client.Send(t.Context(), capture.Shift(t, request, time.Since(capture.Time(t, request)))))
	}
	maps.Copy(run.want, c.Totals(t))
}

// idle sends sessions that end then, and waits until the store has them.
func (run *storeRun) idle(t *testing.T) {
	t.Helper()
	c := run.session(t, "2.1.197", "idle")
	run.send(t, c)
	run.idleKeys = slices.Collect(maps.Keys(c.Totals(t)))
	run.requireIdleBack(t, 0)
}

// restart ends the collector, waits so that scrapes fail, and starts it again. It returns when it was down.
func (run *storeRun) restart(t *testing.T, signal syscall.Signal) (down float64) {
	t.Helper()
	if signal == syscall.SIGKILL {
		run.collector.Kill(t)
	} else {
		assert.Zero(t, run.collector.Stop(t, gracePeriod), "exit code")
	}
	down = harness.Now()
	time.Sleep(2 * time.Second)
	run.collector = run.collector.Restart(t)
	return down
}

// requireIdleBack waits until the store has the totals of the ended sessions with times after a moment.
func (run *storeRun) requireIdleBack(t *testing.T, after float64) {
	t.Helper()
	harness.Eventually(t, restartDelay+harness.Patience/2, "totals of an idle session", func() error {
		last, err := run.stored(t)
		if err != nil {
			return err
		}
		for _, key := range run.idleKeys {
			if series, found := last[key]; !found || series.Last().Time <= after || !workload.Same(key, run.want[key], series.Last().Value) {
				return fmt.Errorf("%s is %v, should be %v", key, series.Samples, run.want[key])
			}
		}
		return nil
	})
}

func (run *storeRun) page(t *testing.T) harness.Shown {
	t.Helper()
	shown, err := harness.FetchShown(run.collector.PageURL())
	require.NoError(t, err)
	return shown
}

// stored are all series of the sessions with all samples, by their keys.
func (run *storeRun) stored(t *testing.T) (map[string]harness.TimeSeries, error) {
	t.Helper()
	var ids []string
	for _, session := range run.sessions {
		ids = append(ids, session.ID)
	}
	all, err := run.prometheus.Query(fmt.Sprintf(`{__name__!~"token_ledger_.*",session_id=~%q}[1h]`, strings.Join(ids, "|")), harness.Now())
	if err != nil {
		return nil, err
	}
	out := map[string]harness.TimeSeries{}
	for _, series := range all {
		one, err := harness.LastSamples([]harness.TimeSeries{series}).Totals(run.sessions)
		if err != nil || len(one) != 1 {
			return nil, errors.Join(err, fmt.Errorf("%d keys of one series", len(one)))
		}
		for key := range one {
			if _, twice := out[key]; twice {
				return nil, fmt.Errorf("two series of %s", key)
			}
			out[key] = series
		}
	}
	return out, nil
}

// requireTruth waits until the store has all totals, and checks what it saw on the way.
func (run *storeRun) requireTruth(t *testing.T) {
	t.Helper()
	busy, _ := run.load.Bounds()
	maps.Copy(run.want, busy)
	var all map[string]harness.TimeSeries
	harness.Eventually(t, restartDelay+harness.Patience/2, "totals in the store", func() (err error) {
		if all, err = run.stored(t); err != nil {
			return err
		}
		shown := capture.Totals{}
		for key, series := range all {
			shown[key] = series.Last().Value
		}
		return sameTotals(run.want, shown)
	})
	for key, series := range all {
		assert.Zero(t, series.First().Value, "first sample of %s", key)
		last := series.Last()
		assert.InDelta(t, last.Value, increase(t, run.prometheus, series, last.Time), costTolerance*max(1, last.Value), key)
		resets, err := run.prometheus.Query("resets("+series.Selector()+"[1h])", last.Time)
		require.NoError(t, err)
		require.Len(t, resets, 1)
		assert.Zero(t, resets[0].Last().Value, "resets of %s", key)
	}
	require.Len(t, all, len(run.want))
}
