package tests

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/workload"
)

// smallDisk has room for the files of a ledger with their reserve, and for some seconds of load.
const smallDisk = "64m"

// Scenario: the disk becomes full while senders send, and after a while somebody makes room; in between, the collector is
// killed and started again, or not. Guarantee: as long as it is full requests are refused with a status that clients
// retry, the health check and a metric say why, and nothing ends; with room again all is taken in, once, without
// anybody's help (design §5).
func TestDiskFullUnderLoad(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"it stays": false, "it is killed meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := harness.SmallDisk(t, smallDisk)
			collector := harness.StartCollector(t, harness.Setup{
				State:     filepath.Join(disk, "state"),
				Arguments: harness.StatusArguments,
				Config:    harness.StatusConfig + pageConfig(keeping("sync: process, snapshot_interval: 1s")),
			})
			l := workload.Start(t, collector, 1, 5*time.Millisecond, mixedSources(t, 1, nil)...)
			l.Resume()
			time.Sleep(time.Second) // some work before
			release := harness.FillDisk(t, disk)
			requireRefusals(t, collector, l)
			if killed {
				collector.Kill(t)
				l.Pause()
				collector = collector.Restart(t)
				showsAll(t, collector, l)
				l.Resume()
				requireRefusals(t, collector, l)
			}
			requireDiskFullShown(t, collector, disk)
			refused := l.Counts()
			release()
			harness.Eventually(t, harness.Patience, "requests are taken again", func() error {
				if now := l.Counts(); now.Acknowledged < refused.Acknowledged+50 {
					return fmt.Errorf("%+v, after %+v", now, refused)
				}
				return nil
			})
			l.Finish()
			showsAll(t, collector, l)
			requireHealth(t, collector, "StatusOK")
			assert.Zero(t, collector.SelfMetrics(t).Sum(ledgerStopped), ledgerStopped)
			assert.Zero(t, collector.Stop(t, gracePeriod), "exit code")
			showsAll(t, collector.Restart(t), l)
		})
	}
}

// requireRefusals waits until requests are refused over both transports, with what clients retry.
func requireRefusals(t *testing.T, collector *harness.Collector, l *workload.Load) {
	t.Helper()
	before := l.Counts().Refused
	harness.Eventually(t, harness.Patience, "refused requests", func() error {
		if now := l.Counts(); now.Refused < before+20 { // what is not retryable fails the test there
			return fmt.Errorf("%+v", now)
		}
		return nil
	})
	now := time.Now()
	probe := harness.OneSum("test.probe", now.Add(-time.Second), now, 1)
	err := collector.Client(t, harness.HTTPProtobuf).SendMetrics(t.Context(), probe)
	var answer *harness.StatusError
	require.ErrorAs(t, err, &answer)
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
	err = collector.Client(t, harness.GRPC).SendMetrics(t.Context(), probe)
	assert.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
}

// requireDiskFullShown waits until the health check, the collector's own metrics and its log tell of it.
func requireDiskFullShown(t *testing.T, collector *harness.Collector, disk string) {
	t.Helper()
	requireHealth(t, collector, "StatusRecoverableError", "the ledger cannot be written")
	page := collector.SelfMetrics(t)
	for _, metric := range []string{ledgerFailures, ledgerRefused, ledgerStopped} {
		assert.Positive(t, page.Sum(metric), metric)
	}
	requireSays(t, collector, disk, "full")
}

// requireHealth waits for a status of the processor.
func requireHealth(t *testing.T, collector *harness.Collector, want string, says ...string) {
	t.Helper()
	harness.Eventually(t, harness.Patience, "health", func() error {
		got, text, err := collector.Status("metrics", "processor:token_ledger")
		if err == nil && (got != want || !contains(text, says...)) {
			err = fmt.Errorf("%s: %q", got, text)
		}
		return err
	})
}
