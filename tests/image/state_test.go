//go:build image

package image

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// hardened are the restrictions that careful users put on the container: nothing writable but the ledger's volume.
func hardened(volume string) []string {
	return append(publish(4317, 4318, 8889),
		"--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
		"--volume", volume+":/var/lib/tokenledger")
}

// TestHardenedRun sends half of a recording by gRPC and half by HTTP to a container that may write its ledger's volume
// only, ends it at once by SIGTERM, while first values are still held back, and starts another on the same volume. It
// guarantees that it is healthy, ends within the engine's 10 seconds, and that the totals are exact after it.
func TestHardenedRun(t *testing.T) {
	ledger := volume(t)
	first := start(t, hardened(ledger))
	first.becomesHealthy(t)
	session := recording(t)
	requests := session.Of(capture.Metrics)
	half := len(requests) / 2
	require.Positive(t, half)
	require.NoError(t, client(t, harness.GRPC).SendAll(t.Context(), requests[:half]))
	require.NoError(t, client(t, harness.HTTPProtobuf).SendAll(t.Context(), requests[half:]))
	assert.Less(t, first.stop(t), 10*time.Second)

	second := start(t, hardened(ledger))
	second.becomesHealthy(t)
	harness.Eventually(t, harness.Patience, "the totals after a restart", func() error {
		page, err := harness.FetchPage("http://127.0.0.1:8889/metrics")
		if err != nil {
			return err
		}
		totals, err := page.Totals(session.Sessions)
		if err != nil {
			return err
		}
		return same(session.Totals(t), totals)
	})
	second.stop(t)
}

// TestLedgerThatCannotBeWritten mounts a folder of root, read-only, where the ledger would be. It guarantees that a user's
// configuration, which says nothing of a ledger, runs all the same, says once what is lost by it, and counts in memory.
func TestLedgerThatCannotBeWritten(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o555))
	c := start(t, append(publish(4318, mountedPort), "--volume", folder+":/var/lib/tokenledger:ro",
		"--volume", testdata(t, "mounted.yaml")+":/etc/otelcol/config.yaml:ro"))
	c.becomesHealthy(t)
	assert.Equal(t, 1, lines(c.log(), "warn", "/var/lib/tokenledger"), c.log())
	session := recording(t)
	require.NoError(t, client(t, harness.HTTPProtobuf).SendAll(t.Context(), session.Of(capture.Metrics)))
	harness.Eventually(t, 3*time.Minute, "the totals in memory", func() error {
		page, err := harness.FetchPage("http://127.0.0.1:9464/metrics")
		if err != nil {
			return err
		}
		totals, err := page.Totals(session.Sessions)
		if err != nil {
			return err
		}
		return same(session.Totals(t), totals)
	})
}
