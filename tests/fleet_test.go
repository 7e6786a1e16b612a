package tests

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// fleetConfig is a collector for fleets; the settings are more of token_ledger's.
func fleetConfig(settings string) string {
	return `
processors:
  token_ledger: {identity: prometheus, prometheus: {promote_scope_metadata: true}, ` + settings + `}
exporters:
  prometheus: {resource_to_telemetry_conversion: {enabled: false}}
`
}

// Scenario: fleets of 20 sessions, cloned from a recording, that arrive with delays of up to half an export interval,
// two of them tied in every millisecond; the usual chains lose up to 95 % there. Sessions are trimmed in the processor.
// Guarantee: every fleet's totals are exact (T1, D2, D3b at the source).
func TestFleetTrimmedHere(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: fleetConfig(
		`cardinality: {rules: [{metrics: ["claude_code.*"], drop: [session.id]}]}`)})
	c := load(t, "2.1.197", capture.Protobuf, "fleet")
	sendFleets(t, collector, c, func(pmetric.NumberDataPoint) {})
	requireFleets(t, collector, c)
}

// Scenario: the same fleets, whose session ids something upstream has deleted already, so that tied sessions look like
// retries. Guarantee: with `retransmissions: add` every fleet's totals are exact (D3b).
func TestFleetTrimmedUpstream(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: fleetConfig("retransmissions: add")})
	c := load(t, "2.1.197", capture.Protobuf, "fleet")
	sendFleets(t, collector, c, withoutSession)
	requireFleets(t, collector, c)
}

// Scenario: session ids are deleted upstream, and retries are recognised as usual. Guarantee: tied sessions are lost,
// so the tests above would notice, and the setting is needed. (compare/fleet shows what the usual chain loses.)
func TestFleetTrimmedUpstreamNeedsAdd(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: fleetConfig("retransmissions: recognise")})
	c := load(t, "2.1.197", capture.Protobuf, "fleet")
	sendFleets(t, collector, c, withoutSession)
	collector.Settle(t)
	for _, f := range capture.Fleets() {
		shown := collector.Page(t).Sum("claude_code_token_usage", "fleet", f.String())
		assert.Less(t, shown, tokensOfFleet(c), "%s", f)
		assert.Positive(t, shown, "%s", f)
	}
}

func withoutSession(p pmetric.NumberDataPoint) { p.Attributes().Remove("session.id") }

// sendFleets sends all fleets at the same time, each through a connection of its own and in the order of its arrival.
func sendFleets(t *testing.T, collector *harness.Collector, c capture.Capture, change func(pmetric.NumberDataPoint)) {
	t.Helper()
	fleets := make(chan []pmetric.Metrics, len(capture.Fleets()))
	for _, f := range capture.Fleets() {
		fleets <- c.Arrivals(t, f, time.Now().Add(-time.Minute))
	}
	close(fleets)
	var group sync.WaitGroup
	for range 4 {
		client := collector.Client(t, harness.GRPC)
		group.Go(func() {
			for requests := range fleets {
				for _, request := range requests {
					capture.EachPoint(request, func(_ pmetric.Metric, p pmetric.NumberDataPoint) { change(p) })
					assert.NoError(t, client.SendMetrics(t.Context(), request))
				}
			}
		})
	}
	group.Wait()
}

// requireFleets checks the series of each fleet, and its tokens against the script of the recording.
func requireFleets(t *testing.T, collector *harness.Collector, c capture.Capture) {
	t.Helper()
	collector.Settle(t)
	page := collector.Page(t)
	for _, f := range capture.Fleets() {
		shown, err := page.TotalsWith("fleet", f.String())
		require.NoError(t, err)
		require.NoError(t, sameTotals(c.FleetTotals(t, f), shown), "%s", f)
		require.Equal(t, tokensOfFleet(c), page.Sum("claude_code_token_usage", "fleet", f.String()), "%s", f)
	}
}

// tokensOfFleet is what the script of the recording made a fleet's clones use.
func tokensOfFleet(c capture.Capture) float64 {
	var tokens float64
	for _, count := range c.Sessions[0].Tokens {
		tokens += capture.FleetSize * count
	}
	return tokens
}
