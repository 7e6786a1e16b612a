// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// write makes TestGolden write expected.yaml. Read the difference before you commit it.
var write = flag.Bool("write-golden", false, "write testdata/golden/*/expected.yaml anew")

// Scenario: an agent's records or spans, as they are on the wire, arrive: testdata/golden/<agent>/input-*.json.
// Guarantee: what leaves is expected.yaml, and nothing leaves for spans of an agent that is counted by its logs. What
// arrives a second time adds nothing.
func TestGolden(t *testing.T) {
	for name, nothing := range map[string]bool{
		"claude-code":         false,
		"claude-code-strings": false,
		"claude-code-spans":   true,
		"codex":               false,
		"gemini-cli":          false,
		"qwen-code":           false,
		"copilot":             false,
		"cline":               false,
		"opencode":            false,
		"genai":               false,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", "golden", name)
			next := new(consumertest.MetricsSink)
			c := started(t, next, nil)
			play(t, c, dir)
			once := len(next.AllMetrics())
			play(t, c, dir)
			require.Len(t, next.AllMetrics(), once)
			if nothing {
				assert.Empty(t, next.AllMetrics())
				return
			}
			compare(t, filepath.Join(dir, "expected.yaml"), next.AllMetrics())
		})
	}
}

// play brings the inputs of a case.
func play(t *testing.T, c *countingConnector, dir string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "input-*.logs.json"))
	require.NoError(t, err)
	traces, err := filepath.Glob(filepath.Join(dir, "input-*.traces.json"))
	require.NoError(t, err)
	require.NotEmpty(t, append(logs, traces...))
	for _, file := range logs {
		require.NoError(t, c.ConsumeLogs(t.Context(), readLogs(t, file)))
	}
	for _, file := range traces {
		require.NoError(t, c.ConsumeTraces(t.Context(), readTraces(t, file)))
	}
}

func compare(t *testing.T, expected string, left []pmetric.Metrics) {
	t.Helper()
	actual := pmetric.NewMetrics()
	for _, md := range left {
		md.ResourceMetrics().MoveAndAppendTo(actual.ResourceMetrics())
	}
	if *write {
		require.NoError(t, golden.WriteMetricsToFile(expected, actual, golden.SkipMetricTimestampNormalization()))
	}
	want, err := golden.ReadMetrics(expected)
	require.NoError(t, err)
	require.NoError(t, pmetrictest.CompareMetrics(want, actual, pmetrictest.IgnoreMetricDataPointsOrder()))
}
