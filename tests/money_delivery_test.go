package tests

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// receivedCosts adds up what a push receiver got last of each series of computed costs.
func receivedCosts(requests []pmetric.Metrics) float64 {
	last := map[string]float64{}
	for _, md := range requests {
		capture.EachPoint(md, func(m pmetric.Metric, p pmetric.NumberDataPoint) {
			if m.Name() == "token_ledger.cost" {
				last[fmt.Sprint(p.Attributes().AsRaw())] = p.DoubleValue() // maps are printed in the order of their keys
			}
		})
	}
	sum := 0.0
	for _, value := range last {
		sum += value
	}
	return sum
}

// Scenario: the next component refuses two of three requests, and clients send again what they were told is refused;
// costs are computed from metrics, or from events, with both ways of sending.
// Guarantee: each token is paid once there, also after the end: what was refused goes out again, and a request that comes again
// counts once.
func TestRefusedCostsArriveOnce(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		ready, settings string
		signal          capture.Signal
	}{
		"metrics, each":     {"default.yaml", "{emit: each}", capture.Metrics},
		"metrics, interval": {"default.yaml", "{emit: interval, flush_interval: 200ms}", capture.Metrics},
		"events, each":      {fromEvents, "{emit: each}", capture.Logs},
		"events, interval":  {fromEvents, "{emit: interval, flush_interval: 200ms}", capture.Logs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := harness.StartSink(t)
			sink.Refuse(func(n int) bool { return n%3 != 0 })
			collector := harness.StartCollector(t, harness.Setup{Base: of.ready, Config: unbufferedConfig(sink, of.settings)})
			client := collector.Client(t, harness.HTTPProtobuf)
			want := 0.0
			for _, c := range loadAll(t) {
				for _, request := range c.Of(of.signal) {
					sendUntilTaken(t, client, request)
				}
				for _, session := range c.Sessions {
					want += session.Cost
					if of.signal == capture.Metrics || assumedTooLittle(c, session) > 0 {
						want -= hourPremium(session) // metrics never tell how long caches live
					}
				}
			}
			harness.Eventually(t, harness.Patience, "costs at the next component", func() error {
				if got := receivedCosts(sink.Received()); got < want-costTolerance {
					return fmt.Errorf("%v of %v dollars", got, want)
				}
				return nil
			})
			sink.Refuse(nil) // what is emitted at the end goes out once
			require.Zero(t, collector.Stop(t, gracePeriod))
			assert.InDelta(t, want, receivedCosts(sink.Received()), costTolerance)
		})
	}
}
