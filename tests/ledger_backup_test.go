package tests

import (
	"fmt"
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

// Scenario: three backups are made while senders send requests that add 1 to each of 50 series; each backup is restored
// to a new directory, on which a collector starts. Guarantee: each shows one moment: the series of a sender are equal,
// nothing that was acknowledged before the backup is missing, and nothing is there that was sent after it; and the usage
// for reports, which is another file, is of the same moment.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	config := pageConfig(keeping("sync: process, snapshot_interval: 1s"))
	collector := harness.StartCollector(t, harness.Setup{Config: config})
	const senders, series, backups = 4, 50, 3
	var sources []workload.Source
	for i := range senders {
		sources = append(sources, workload.Even(fmt.Sprintf("agent %d", i), series))
	}
	l := workload.Start(t, collector, 1, 2*time.Millisecond, sources...)
	l.Resume()
	for i := range backups {
		time.Sleep(700 * time.Millisecond) // backups of different moments
		before, _ := l.Bounds()
		target := filepath.Join(t.TempDir(), "backup")
		output, code := collector.Command(t, "ledger", "backup", filesOf(collector), target)
		require.Zero(t, code, output)
		after, inFlight := l.Bounds()
		for _, request := range inFlight {
			for key, value := range request {
				after[key] += value
			}
		}
		t.Run(fmt.Sprintf("backup %d", i+1), func(t *testing.T) {
			restored := restoreAndStart(t, target, config)
			var shown harness.Shown
			harness.Eventually(t, harness.Patience, "totals of the backup", func() (err error) {
				if shown, err = harness.FetchShown(restored.PageURL()); err != nil {
					return err
				}
				return oneMoment(shown.Totals, before, after)
			})
			assert.Zero(t, restored.Stop(t, gracePeriod), "exit code")
			tokens := 0.0
			for _, total := range shown.Totals {
				tokens += total
			}
			assert.Equal(t, tokens, exportUsage(t, filesOf(restored)).Tokens["input"], "usage")
		})
	}
	l.Finish()
	showsAll(t, collector, l)
	assert.Greater(t, l.Counts().Acknowledged, 100*backups, "a load that is worth the name")
}

// restoreAndStart restores a backup to a new directory and starts a collector there.
func restoreAndStart(t *testing.T, backup, config string) *harness.Collector {
	t.Helper()
	state := t.TempDir()
	output, code := harness.Run(t, harness.Patience, harness.CommandBinary(harness.MustRoot(t)),
		"ledger", "restore", backup, filepath.Join(state, "token_ledger"))
	require.Zero(t, code, output)
	return harness.StartCollector(t, harness.Setup{Config: config, State: state})
}

// oneMoment checks that the series of each sender are equal, and between two bounds.
func oneMoment(shown, before, after capture.Totals) error {
	bySender := map[string]float64{}
	for key, upper := range after {
		value, found := shown[key]
		_, labels, _ := strings.Cut(key, `sender="`)
		sender, _, _ := strings.Cut(labels, `"`)
		if first, known := bySender[sender]; !found || known && value != first {
			return fmt.Errorf("%s is %v (there: %t), another one of the sender is %v", key, value, found, first)
		}
		bySender[sender] = value
		if value < before[key] || value > upper {
			return fmt.Errorf("%s is %v, should be from %v to %v", key, value, before[key], upper)
		}
	}
	if len(shown) != len(after) {
		return fmt.Errorf("%d series, should be %d", len(shown), len(after))
	}
	return nil
}
