package tests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// anonymousConfig takes away what tells users apart before metrics reach the page.
const anonymousConfig = `
processors:
  attributes/anonymous:
    actions: [{key: session.id, action: delete}, {key: user.id, action: delete}]
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [attributes/anonymous], exporters: [prometheus]}
`

// TestDropInUsersWithoutSession sends what two users did at the same time on different operating systems, through a
// configuration that removes the attributes which tell them apart.
//
// Scenario: their points are equal but for the resource, which a Prometheus page does not show (rule T0), and their
// windows tie in start, time and value, as those of a retransmission do (rule D3b).
// Guarantee: one series each, with the sum of both.
func TestDropInUsersWithoutSession(t *testing.T) {
	t.Parallel()
	collector := startInBox(t, atOnce(), writeConfig(t, otlpToPage), writeConfig(t, anonymousConfig))
	linux := load(t, "2.1.197", capture.JSON, "users")
	darwin := onDarwin(t, linux)
	client := collector.Client(t, harness.HTTPJSON)
	for i, request := range linux.Of(capture.Metrics) {
		require.NoError(t, client.Send(t.Context(), request))
		require.NoError(t, client.Send(t.Context(), darwin[i]))
	}
	collector.Settle(t)

	want := linux.TotalsWithout(t, "session.id", "user.id")
	for key := range want {
		want[key] *= 2
	}
	shown, err := collector.Page(t).TotalsWith()
	require.NoError(t, err)
	require.NoError(t, sameTotals(want, shown))
}

// onDarwin are the same requests from another machine.
func onDarwin(t *testing.T, c capture.Capture) []capture.Request {
	t.Helper()
	var out []capture.Request
	for _, request := range c.Of(capture.Metrics) {
		decoded, err := request.MetricsRequest()
		require.NoError(t, err)
		for _, rm := range decoded.Metrics().ResourceMetrics().All() {
			rm.Resource().Attributes().PutStr("os.type", "darwin")
			rm.Resource().Attributes().PutStr("os.version", "27.1.0")
			rm.Resource().Attributes().PutStr("host.arch", "arm64")
		}
		changed, err := capture.FromMetrics(decoded.Metrics(), request.Encoding)
		require.NoError(t, err)
		out = append(out, changed)
	}
	return out
}
