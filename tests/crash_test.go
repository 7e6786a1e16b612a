package tests

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/workload"
)

// usualCrashes are how often TestCrashes kills collectors, all together, unless TOKENLEDGER_CRASHES says otherwise
// (`make crash-test`).
const usualCrashes = 12

// crashVariant is one way to keep and to show totals.
type crashVariant struct {
	name     string
	settings []string
	push     bool // to a watch, not on a page
	trim     bool
}

// crashVariants cover what differs when a collector ends: what each batch waits for, how often snapshots are made, and
// whether totals go out at once.
var crashVariants = []crashVariant{
	{"page, sync process, many snapshots", []string{keeping("sync: process, snapshot_interval: 1s")}, false, false},
	{"page, sync disk, trimmed", []string{keeping("sync: disk, snapshot_interval: 1s")}, false, true},
	{"push, sync 1s", []string{keeping("sync: 1s, snapshot_interval: 1s")}, true, false},
	{"push, sync process, trimmed, journal only", []string{keeping("sync: process, snapshot_interval: 1h")}, true, true},
}

// Scenario: eight senders replay recorded and generated requests over HTTP and gRPC, repeat what was not acknowledged
// and now and then what was; the collector is killed at random moments, also while it starts and while it makes
// snapshots, and started again on the same directory. Guarantee: after each start the totals are those of all
// acknowledged requests, and of each other request either all or nothing; at the end those of all, each once. No total
// ever falls, no start ever moves, no time comes twice (design §5, D3a, D4).
func TestCrashes(t *testing.T) {
	t.Parallel()
	crashes, seed := usualCrashes, uint64(time.Now().UnixNano())
	if text, set := os.LookupEnv("TOKENLEDGER_CRASHES"); set {
		var err error
		crashes, err = strconv.Atoi(text)
		require.NoError(t, err, "TOKENLEDGER_CRASHES")
	}
	if text, set := os.LookupEnv("TOKENLEDGER_CRASH_SEED"); set {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "TOKENLEDGER_CRASH_SEED")
	}
	t.Logf("TOKENLEDGER_CRASHES=%d TOKENLEDGER_CRASH_SEED=%d", crashes, seed)
	for i, variant := range crashVariants {
		share := (crashes + len(crashVariants) - 1) / len(crashVariants)
		t.Run(variant.name, func(t *testing.T) {
			t.Parallel()
			run := newCrashRun(t, variant, seed+uint64(i))
			for run.kills < share {
				run.crash(t)
			}
			run.finish(t)
		})
	}
}

// crashRun is a collector that is killed again and again under one load.
type crashRun struct {
	variant   crashVariant
	random    *rand.Rand
	setup     harness.Setup
	collector *harness.Collector
	watch     *harness.Watch
	load      *workload.Load
	kills     int
}

func newCrashRun(t *testing.T, variant crashVariant, seed uint64) *crashRun {
	t.Helper()
	run := &crashRun{variant: variant, random: rand.New(rand.NewPCG(seed, 2)), watch: harness.StartWatch(t)}
	settings, trimmed := variant.settings, []string(nil)
	if variant.trim {
		settings, trimmed = append(settings[:len(settings):len(settings)], ledgerRules()), ledgerTrimmed
	}
	config := pageConfig(settings...)
	if variant.push {
		config = watchConfig(run.watch, settings...)
	}
	run.collector = harness.StartCollector(t, harness.Setup{Config: config})
	run.setup = run.collector.Setup
	run.load = workload.Start(t, run.collector, seed, 5*time.Millisecond, mixedSources(t, seed, trimmed)...)
	if !variant.push {
		run.readPage(t)
	}
	return run
}

// readPage shows the page to the watch all the time, as a reader does that must not see a total fall.
func (run *crashRun) readPage(t *testing.T) {
	t.Helper()
	url, done, ended := run.collector.PageURL(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if page, err := harness.FetchShown(url); err == nil { // else it is down
				run.watch.See(page)
			}
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { close(done); <-ended })
}

// crash lets the load run, kills the collector, starts it again and compares.
func (run *crashRun) crash(t *testing.T) {
	t.Helper()
	run.load.Resume()
	run.sleep(1500 * time.Millisecond) // longer than the time between two snapshots
	run.kill(t)
	run.load.Pause()
	for run.random.IntN(3) == 0 { // kill it while it starts, too
		run.collector = harness.Launch(t, run.setup)
		run.sleep(400 * time.Millisecond)
		run.kill(t)
	}
	run.collector = harness.StartCollector(t, run.setup)
	run.compare(t)
}

func (run *crashRun) kill(t *testing.T) {
	t.Helper()
	run.collector.Kill(t)
	run.kills++
}

// sleep is where chance chooses the moment.
func (run *crashRun) sleep(most time.Duration) {
	time.Sleep(time.Duration(run.random.Int64N(int64(most))))
}

// compare waits until the totals are as they have to be. Totals that are back come out at the first ticks (L2, L3).
func (run *crashRun) compare(t *testing.T) {
	t.Helper()
	harness.Eventually(t, harness.Patience, "totals after "+strconv.Itoa(run.kills)+" kills", func() error {
		shown := run.watch.Last()
		if !run.variant.push {
			var err error
			if shown, err = harness.FetchShown(run.collector.PageURL()); err != nil {
				return err
			}
		}
		return run.load.Explain(shown.Totals)
	})
}

// finish has everything acknowledged, ends the collector as one should, and compares once more after another start.
func (run *crashRun) finish(t *testing.T) {
	t.Helper()
	run.load.Finish()
	counts := run.load.Counts()
	t.Logf("%d kills, %+v", run.kills, counts)
	run.compare(t)
	require.Greater(t, counts.Acknowledged, run.kills, "a load that is worth the name")
	assert.Zero(t, run.collector.Stop(t, gracePeriod), "exit code")
	requireStoredUsage(t, filesOf(run.collector), run.load)
	run.collector = harness.StartCollector(t, run.setup)
	run.compare(t)
}
