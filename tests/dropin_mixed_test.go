package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// mixedConfig feeds Prometheus and two others: a server that is no Prometheus, and a file; what happens to metrics before
// happens for all three.
const mixedConfig = `
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 512}
  resource: {attributes: [{key: deployment.environment, value: tests, action: upsert}]}
exporters:
  otlphttp/foreign: {endpoint: "http://127.0.0.1:4400", compression: none}
  file: {path: %s}
service:
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [memory_limiter, resource]
      exporters: [prometheus, otlphttp/foreign, file]
`

// TestDropInMixedPipeline runs one pipeline with exporters of all kinds twice, with and without the automation.
//
// Scenario: the same requests go to both. Guarantee: what the foreign server and the file get is equal to the byte, while
// the page shows the truth with automation and not without.
func TestDropInMixedPipeline(t *testing.T) {
	t.Parallel()
	sent := load(t, "2.1.197", capture.Protobuf, "mixed pipeline")
	plain := runMixed(t, sent, "off")
	mended := runMixed(t, sent, "correct")
	assert.Equal(t, plain.bodies, mended.bodies, "requests to the foreign server")
	assert.Equal(t, plain.lines, mended.lines, "lines of the file")
	requireTruth(t, mended.page, sent)
	shown, err := plain.page.Totals(sent.Sessions)
	require.NoError(t, err)
	assert.Error(t, sameTotals(sent.Totals(t), shown), "without automation the page should be wrong, or this test shows nothing")
}

// mixedRun is what the three exporters of a pipeline gave out.
type mixedRun struct {
	bodies, lines []string
	page          harness.Page
}

func runMixed(t *testing.T, sent capture.Capture, automation string) mixedRun {
	t.Helper()
	box := harness.StartBox(t)
	foreign := startRecorder(t, box.Listen(t, 4400))
	file := filepath.Join(t.TempDir(), "metrics.jsonl")
	collector := box.StartCollector(t, harness.BoxedSetup{
		Binary:    product(t),
		Arguments: configArguments(writeConfig(t, otlpToPage), writeConfig(t, fmt.Sprintf(mixedConfig, file))),
		Env:       atOnce("TOKEN_LEDGER_AUTO=" + automation),
	})
	requests := sent.Of(capture.Metrics)
	require.NoError(t, collector.Client(t, harness.HTTPProtobuf).SendAll(t.Context(), requests))
	out := mixedRun{bodies: foreign.waitForBodies(t, len(requests))}
	if automation != "off" {
		collector.Settle(t) // sends requests of its own, so after the others were counted
	}
	out.page = collector.Page(t)
	require.Zero(t, collector.Stop(t, harness.Patience))
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := slices.Collect(strings.Lines(string(content)))
	out.lines = slices.Sorted(slices.Values(lines[:min(len(lines), len(requests))]))
	return out
}

// pullAndPush is a pipeline that Prometheus both scrapes and is written to by.
const pullAndPush = `
exporters:
  prometheusremotewrite: {endpoint: "http://prometheus:9090/api/v1/write"}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [prometheus, prometheusremotewrite]}
`

// TestDropInPullAndPush runs a pipeline with an exporter that is scraped and one that pushes, which need different ways
// of emission (rules L2 and L3).
//
// Scenario: one pipeline, both exporters, one Prometheus that is written to. Guarantee: the page and the Prometheus both
// have the truth.
func TestDropInPullAndPush(t *testing.T) {
	t.Parallel()
	box := harness.StartBox(t, stackHosts...)
	prometheus := box.StartPrometheus(t, writeConfig(t, "global: {}"), "--web.enable-remote-write-receiver")
	collector := box.StartCollector(t, harness.BoxedSetup{
		Binary: product(t), Arguments: configArguments(writeConfig(t, otlpToPage), writeConfig(t, pullAndPush)), Env: atOnce(),
	})
	traffic := seeds.Traffic(t, harness.MustRoot(t), "pull and push")
	require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), traffic.Of(capture.Metrics)))
	harness.Eventually(t, harness.Patience, "truth on the page and in Prometheus", func() error {
		shown, err := collector.Page(t).Totals(traffic.Sessions)
		if err != nil {
			return err
		}
		if err := sameTotals(traffic.Totals(t), shown); err != nil {
			return fmt.Errorf("page: %w", err)
		}
		return pushedTotals(t, prometheus, []capture.Capture{traffic})
	})
}
