package tests

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// pageAndLog is what most stacks have: a page, and a debug exporter beside it. The page forgets after four seconds, so that
// idle totals go out again each two.
const pageAndLog = `
exporters:
  prometheus: {endpoint: 127.0.0.1:8889, metric_expiration: 4s}
  debug: {verbosity: basic}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus, debug]}}}
`

// TestDropInQuietLog leaves a stack idle.
//
// Scenario: clients send one session and stop; idle totals go out again (L2) several times.
// Guarantee: they stay on the page, and the debug exporter beside it writes nothing: it shows what comes in, once.
func TestDropInQuietLog(t *testing.T) {
	t.Parallel()
	box := harness.StartBox(t)
	collector := box.StartCollector(t, harness.BoxedSetup{
		Binary: product(t), Arguments: configArguments(writeConfig(t, otlpToPage), writeConfig(t, pageAndLog)), Env: atOnce(),
	})
	sent := load(t, "2.1.197", capture.Protobuf, "quiet log")
	requests := sent.Of(capture.Metrics)
	require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), requests))
	collector.Settle(t)
	before := strings.Count(collector.Log(), "data points")
	time.Sleep(10 * time.Second)
	assert.Equal(t, before, strings.Count(collector.Log(), "data points"), "lines of the debug exporter")
	assert.GreaterOrEqual(t, before, len(requests), "or this test sees no lines")
	requireTruth(t, collector.Page(t), sent)
}
