package tests

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/workload"
)

// The collector's own metrics about its ledger.
const (
	ledgerFailures = "otelcol_processor_token_ledger_ledger_failed_commits"
	ledgerRefused  = "otelcol_processor_token_ledger_ledger_refused_requests"
	ledgerStopped  = "otelcol_processor_token_ledger_ledger_stopped"
	ledgerDamaged  = "otelcol_processor_token_ledger_ledger_damaged"
)

// Scenario: a second collector is started on the directory of a running one. Guarantee: it ends with an error that names
// the directory, who has it, and what to do; the first goes on and loses nothing.
func TestSecondProcessOnOneLedger(t *testing.T) {
	t.Parallel()
	config := pageConfig(keeping("sync: process"))
	first := harness.StartCollector(t, harness.Setup{Config: config})
	l := workload.Start(t, first, 1, 5*time.Millisecond, mixedSources(t, 1, nil)...)
	l.Resume()
	second := harness.Launch(t, harness.Setup{Config: config, State: first.Setup.State})
	assert.NotZero(t, second.Wait(t, harness.Patience), "exit code")
	requireSays(t, second, filesOf(first), fmt.Sprint(first.PID()), "another storage directory")
	l.Finish()
	showsAll(t, first, l)
	first.Kill(t)
	showsAll(t, first.Restart(t), l)
}

// Scenario: two metrics pipelines use one processor id, so that two instances want the same files. Guarantee: the
// collector ends with an error that says what to write instead; written so, it starts.
func TestTwoPipelinesOnOneLedger(t *testing.T) {
	t.Parallel()
	config := `
processors: {token_ledger: {` + keeping("sync: process") + `}, token_ledger/2: {` + keeping("sync: process, usage: false") + `}}
service:
  pipelines:
    metrics/more: {receivers: [otlp], processors: [%s], exporters: [nop]}
`
	collector := harness.Launch(t, harness.Setup{Config: fmt.Sprintf(config, "token_ledger")})
	assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
	requireSays(t, collector, "token_ledger/2")
	harness.StartCollector(t, harness.Setup{Config: fmt.Sprintf(config, "token_ledger/2")})
}

// Scenario: the directory may not be written. Guarantee: the collector ends with an error that names it and the remedy.
func TestReadOnlyLedger(t *testing.T) {
	t.Parallel()
	disk := harness.SmallDisk(t, smallDisk)
	harness.Protect(t, disk)
	collector := harness.Launch(t, harness.Setup{Config: pageConfig(keeping("sync: process")), State: disk})
	assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
	requireSays(t, collector, disk, "storage directory")
}

// Scenario: the file was written by a newer version. Guarantee: the collector ends with an error that says so and what
// to do, and leaves the file as it is.
func TestNewerLedger(t *testing.T) {
	t.Parallel()
	collector, l := ledgerWithWork(t)
	file := filepath.Join(filesOf(collector), "ledger.db")
	damage(t, file, func(content []byte) []byte {
		version := binary.BigEndian.Uint32(content[60:]) // user_version (SQLite file format, 1.3)
		binary.BigEndian.PutUint32(content[60:], version+1)
		return content
	})
	newer, err := os.ReadFile(file)
	require.NoError(t, err)
	refused := harness.Launch(t, collector.Setup)
	assert.NotZero(t, refused.Wait(t, harness.Patience), "exit code")
	requireSays(t, refused, file, "format", "a newer one")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, newer, after, "the file")

	damage(t, file, func(content []byte) []byte { // back to the version that can read it
		version := binary.BigEndian.Uint32(content[60:])
		binary.BigEndian.PutUint32(content[60:], version-1)
		return content
	})
	showsAll(t, collector.Restart(t), l)
}

// Scenario: ledger.db is a file of something else. Guarantee: the collector ends with an error that says what to do, and
// leaves the file as it is; moved away, a new ledger begins.
func TestForeignFileAsLedger(t *testing.T) {
	t.Parallel()
	collector, _ := ledgerWithWork(t)
	file := filepath.Join(filesOf(collector), "ledger.db")
	noise := make([]byte, 100_000)
	_, _ = rand.Read(noise)
	damage(t, file, func([]byte) []byte { return noise })
	refused := harness.Launch(t, collector.Setup)
	assert.NotZero(t, refused.Wait(t, harness.Patience), "exit code")
	requireSays(t, refused, file, "no ledger", "move it away", "backup")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, noise, after, "the file")

	require.NoError(t, os.Rename(file, file+".away"))
	again := collector.Restart(t)
	require.Empty(t, again.Page(t).Find("agent"))
	sendAndCheck(t, again, load(t, "2.1.329", capture.Protobuf, "a new ledger"))
}

// Scenario: the second half of ledger.db is missing. Guarantee: the collector starts, says what happened and counts it;
// no total is too high, and work goes on.
func TestTruncatedLedger(t *testing.T) {
	t.Parallel()
	collector, l := ledgerWithWork(t)
	damage(t, filepath.Join(filesOf(collector), "ledger.db"), func(content []byte) []byte { return content[:len(content)/2] })
	again := collector.Restart(t)
	requireDamageShown(t, again)
	requirePart(t, again, l, 0)
}

// flips are the places in ledger.db where a byte is changed, as parts of its length. What is free lies before what is
// in use.
var flips = []float64{0.1, 0.5, 0.9, 0.95, 0.98}

// Scenario: one byte of ledger.db has another value, at one of several places of which some are free space; or one byte of
// every tenth page. Guarantee: either nothing is lost, or the collector says so and counts it, and no total is too high;
// with one wrong byte most are exact; work goes on.
func TestFlippedBytesInLedger(t *testing.T) {
	t.Parallel()
	collector, l := ledgerWithWork(t)
	start := func(t *testing.T, change func([]byte)) *harness.Collector {
		setup := harness.Setup{Config: collector.Setup.Config, State: t.TempDir()}
		require.NoError(t, os.CopyFS(setup.State, os.DirFS(collector.Setup.State)))
		damage(t, filepath.Join(setup.State, "token_ledger", "ledger.db"), func(content []byte) []byte {
			change(content)
			return content
		})
		return harness.StartCollector(t, setup)
	}
	for _, place := range flips {
		t.Run(fmt.Sprintf("one at %v", place), func(t *testing.T) {
			t.Parallel()
			again := start(t, func(content []byte) { content[int(place*float64(len(content)))] ^= 0x10 })
			if again.SelfMetrics(t).Sum(ledgerDamaged) == 0 {
				showsAll(t, again, l)
				return
			}
			requireDamageShown(t, again)
			requirePart(t, again, l, 0.5)
		})
	}
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		again := start(t, func(content []byte) {
			page := int(binary.BigEndian.Uint16(content[16:])) // (SQLite file format, 1.3)
			for at := 9*page + page/2; at < len(content); at += 10 * page {
				content[at] ^= 0x10
			}
		})
		requireDamageShown(t, again)
		requirePart(t, again, l, 0)
	})
}

func requireDamageShown(t *testing.T, collector *harness.Collector) {
	t.Helper()
	requireSays(t, collector, filesOf(collector), "damaged", "kept aside")
	assert.Positive(t, collector.SelfMetrics(t).Sum(ledgerDamaged), ledgerDamaged)
}

// requirePart checks that no total is too high, and that enough of them are exact; then that work goes on from there.
func requirePart(t *testing.T, collector *harness.Collector, l *workload.Load, least float64) {
	t.Helper()
	collector.Settle(t)
	shown, err := harness.FetchShown(collector.PageURL())
	require.NoError(t, err)
	want, _ := l.Bounds()
	exact := 0
	for key, value := range shown.Totals {
		if workload.Same(key, want[key], value) {
			exact++
		} else {
			assert.Less(t, value, want[key], key)
		}
	}
	assert.GreaterOrEqual(t, float64(exact), least*float64(len(want)), "%d series of %d are exact", exact, len(want))
	sendAndCheck(t, collector, load(t, "2.1.329", capture.Protobuf, "after the damage"))
}

// ledgerWithWork is a collector that has ended as it should, with its ledger, and what it holds.
func ledgerWithWork(t *testing.T) (*harness.Collector, *workload.Load) {
	t.Helper()
	collector := harness.StartCollector(t, harness.Setup{Config: pageConfig(keeping("sync: process, snapshot_interval: 1s"))})
	l := workload.Start(t, collector, 1, 0, mixedSources(t, 1, nil)...)
	l.Resume()
	time.Sleep(1500 * time.Millisecond) // work for snapshots and for the journal
	l.Finish()
	showsAll(t, collector, l)
	assert.Zero(t, collector.Stop(t, gracePeriod), "exit code")
	return collector, l
}

func damage(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, change(content), 0o600))
}

// requireSays checks that one line of the log says all of it.
func requireSays(t *testing.T, collector *harness.Collector, parts ...string) {
	t.Helper()
	for line := range strings.Lines(collector.Log()) {
		if contains(line, parts...) {
			return
		}
	}
	t.Errorf("no line of the log says %q", parts)
}

func contains(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
