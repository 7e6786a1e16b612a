package tests

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// expiration is how long the prometheus exporter shows a series in these tests without a new point of it. What goes out
// again has a time of half a minute ago, so it begins half a minute after the last point.
const expiration = 40 * time.Second

func expiringConfig(settings string) string {
	return fmt.Sprintf("processors: {token_ledger: {%s}}\nexporters: {prometheus: {metric_expiration: %v}}\n", settings, expiration)
}

// Scenario: sessions fall silent in front of an exporter that shows a series for 40 seconds. Guarantee: with a shorter
// emit_interval every total stays on the page, exactly; without one they vanish, so the test would notice (L2).
func TestIdleTotalsStay(t *testing.T) {
	t.Parallel()
	start := func(settings string) (*harness.Collector, capture.Capture) {
		collector := harness.StartCollector(t, harness.Setup{Config: expiringConfig(settings)})
		c := load(t, "2.1.329", capture.Protobuf, "idle")
		require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), c.Of(capture.Metrics)))
		collector.Settle(t)
		return collector, c
	}
	again, c := start("emit_interval: 2s")
	once, _ := start("emit_interval: 0s")
	harness.Eventually(t, expiration+harness.Patience, "end of what is not emitted again", func() error {
		if shown := once.Page(t).Find("claude_code_"); len(shown) > 0 {
			return fmt.Errorf("%d series are still there", len(shown))
		}
		return nil
	})
	for deadline := time.Now().Add(expiration); time.Now().Before(deadline); time.Sleep(expiration / 10) {
		requireTruth(t, again.Page(t), c)
	}
	// What comes after an idle time goes on where the totals were.
	next := load(t, "2.1.329", capture.Protobuf, "next")
	require.NoError(t, again.Client(t, harness.GRPC).SendAll(t.Context(), next.Of(capture.Metrics)))
	again.Settle(t)
	requireTruth(t, again.Page(t), c)
	requireTruth(t, again.Page(t), next)
}

// Scenario: five streams fall silent, five more some minute later, and five may be emitted again. Guarantee: those that
// were active last stay on the page, the others leave it; when one of these becomes active it is back with its total
// (L2: those idle longest leave first, to the minute).
func TestMostRecentTotalsStay(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: expiringConfig("emit_interval: 2s, emit_max_streams: 5")})
	client := collector.Client(t, harness.GRPC)
	name := func(i int) string { return fmt.Sprintf("test.idle.%d", i) }
	send := func(streams ...int) {
		for _, i := range streams {
			now := time.Now()
			require.NoError(t, client.SendMetrics(t.Context(), harness.OneSum(name(i), now.Add(-time.Millisecond), now, 1)))
		}
	}
	shown := func(want ...int) error {
		page := collector.Page(t)
		for _, i := range want {
			if len(page.Find("test_idle", "sentinel", name(i))) != 1 {
				return fmt.Errorf("%s is missing", name(i))
			}
		}
		if found := len(page.Find("test_idle")); found != len(want) {
			return fmt.Errorf("%d series, should be %d", found, len(want))
		}
		return nil
	}
	send(0, 1, 2, 3, 4)
	time.Sleep(65 * time.Second) // idle for longer by a minute than those that follow
	require.NoError(t, shown(0, 1, 2, 3, 4), "five are not too many")
	send(5, 6, 7, 8, 9)
	harness.Eventually(t, 2*expiration+harness.Patience, "only the streams that were active last", func() error { return shown(5, 6, 7, 8, 9) })
	for range 4 {
		time.Sleep(expiration / 4)
		require.NoError(t, shown(5, 6, 7, 8, 9))
	}
	send(0)
	harness.Eventually(t, harness.Patience, "the stream that is active again", func() error {
		if got := collector.Page(t).Sum("test_idle", "sentinel", name(0)); got != 2 {
			return fmt.Errorf("it shows %v, not 2", got)
		}
		return nil
	})
}

// Scenario: sessions fall silent in front of an exporter that pushes. Guarantee: their totals go out again, unchanged, with
// `emit: interval` as with `emit: each`, so that a store goes on showing them; with `emit_interval: 0s` they do not (L2).
func TestPushIsRepeated(t *testing.T) {
	t.Parallel()
	requests := func(settings string) (idle func() int) {
		sink := harness.StartSink(t)
		collector := harness.StartCollector(t, harness.Setup{Config: unbufferedConfig(sink, settings)})
		c := load(t, "2.1.329", capture.JSON, "pushed")
		require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), c.Of(capture.Metrics)))
		harness.Eventually(t, harness.Patience, "totals at the next component", func() error {
			return sameTotals(c.Totals(t), capture.Received(t, sink.Received()))
		})
		before := len(sink.Received())
		return func() int {
			require.NoError(t, sameTotals(c.Totals(t), capture.Received(t, sink.Received())))
			return len(sink.Received()) - before
		}
	}
	each := requests("{emit: each, emit_interval: 1s}")
	interval := requests("{emit: interval, flush_interval: 200ms, emit_interval: 1s}")
	silent := requests("{emit: interval, flush_interval: 200ms, emit_interval: 0s}")
	harness.Eventually(t, 2*harness.Patience, "three repetitions", func() error {
		if each() < 3 || interval() < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	assert.Zero(t, silent(), "requests while nobody worked")
}
