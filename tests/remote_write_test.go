package tests

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// skews are what clients' clocks are wrong by.
var skews = map[string]time.Duration{
	"on time": 0, "two hours behind": -2 * time.Hour, "one hour ahead": time.Hour,
}

// TestRemoteWrite pushes sessions whose clients' clocks are right, two hours behind and one hour ahead at the same
// time, and one session with all three, into a real Prometheus. It guarantees the exact totals there and that no
// request was ever refused (rules D4 and L3).
func TestRemoteWrite(t *testing.T) {
	t.Parallel()
	prometheus := harness.StartPrometheus(t, "global: {}", "--web.enable-remote-write-receiver")
	proxy := harness.StartProxy(t, prometheus.URL())
	collector := harness.StartCollector(t, harness.Setup{Config: remoteWriteConfig(proxy)})

	var sent []capture.Capture
	var group sync.WaitGroup
	for name, skew := range skews {
		for _, original := range loadAll(t) {
			c := original.Renamed(name)
			sent = append(sent, c)
			group.Go(func() { replay(t, collector, c.InOrderOfTime(t), skew) })
		}
	}
	mixed := load(t, "2.1.329", capture.JSON, "mixed")
	sent = append(sent, mixed)
	group.Go(func() { replayMixed(t, collector, mixed) })
	group.Wait()

	harness.Eventually(t, harness.Patience, "totals in Prometheus", func() error {
		return pushedTotals(t, prometheus, sent)
	})
	collector.Stop(t, harness.Patience)
	require.NoError(t, pushedTotals(t, prometheus, sent), "after the collector has ended")
	requireOnlySuccess(t, proxy.Answers())
}

// remoteWriteConfig pushes once per second, with the exporter's own settings: its target_info carries the newest time of
// a resource, and clients with equal resources share it, so it would be out of order if L3 did not see to it.
func remoteWriteConfig(proxy *harness.Proxy) string {
	return fmt.Sprintf(`
processors:
  token_ledger: {emit: interval, flush_interval: 1s}
exporters:
  prometheus_remote_write: {endpoint: "%s/api/v1/write"}
service:
  pipelines:
    metrics: {exporters: [prometheus_remote_write]}
`, proxy.URL)
}

// replayMixed sends the requests of one session with another wrong clock each time, as two machines with one session
// id would do.
func replayMixed(t *testing.T, collector *harness.Collector, c capture.Capture) {
	t.Helper()
	clocks := []time.Duration{time.Hour, -2 * time.Hour, 0}
	client := collector.Client(t, harness.GRPC)
	for i, request := range c.InOrderOfTime(t) {
		toNow := time.Since(capture.Time(t, request))
		assert.NoError(t, client.Send(t.Context(), capture.Shift(t, request, toNow+clocks[i%len(clocks)])))
		time.Sleep(time.Second) // another flush between most requests; nothing is concluded from it
	}
}

// pushedTotals compares the last samples of all series with the truth.
func pushedTotals(t *testing.T, prometheus *harness.Prometheus, sent []capture.Capture) error {
	t.Helper()
	stored, err := prometheus.Query(`{session_id!=""}[1h]`, harness.Now())
	if err != nil {
		return err
	}
	page := harness.LastSamples(stored)
	for _, c := range sent {
		shown, err := page.Totals(c.Sessions)
		if err := errors.Join(err, sameTotals(c.Totals(t), shown)); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

func requireOnlySuccess(t *testing.T, answers []harness.StatusError) {
	t.Helper()
	require.Greater(t, len(answers), 5, "a run of many flush intervals is more than a few requests")
	var refused []string
	for i, answer := range answers {
		if answer.Code/100 != 2 {
			refused = append(refused, fmt.Sprintf("request %d: %v", i, &answer))
		}
	}
	require.Empty(t, refused, "of %d requests to Prometheus these were refused:\n%s", len(answers), strings.Join(refused, "\n"))
}
