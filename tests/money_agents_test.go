package tests

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// wireSamples are the agents of which the connector's tests have records or spans as they are on the wire.
var wireSamples = []string{
	"claude-code", "claude-code-spans", "codex", "gemini-cli", "qwen-code", "cline", "opencode", "copilot", "genai",
}

// expectedTotals adds up the metrics that the connector's tests expect of a sample, by agent and metric. Nil where nothing is
// expected.
func expectedTotals(t *testing.T, directory string) map[[2]string]float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, "expected.yaml"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var expected struct {
		ResourceMetrics []struct {
			ScopeMetrics []struct {
				Metrics []struct {
					Name string
					Sum  struct {
						DataPoints []struct {
							AsInt      string  `yaml:"asInt"`
							AsDouble   float64 `yaml:"asDouble"`
							Attributes []struct {
								Key   string
								Value struct {
									StringValue string `yaml:"stringValue"`
								}
							}
						} `yaml:"dataPoints"`
					}
				}
			} `yaml:"scopeMetrics"`
		} `yaml:"resourceMetrics"`
	}
	require.NoError(t, yaml.Unmarshal(text, &expected))
	out := map[[2]string]float64{}
	for _, rm := range expected.ResourceMetrics {
		for _, sm := range rm.ScopeMetrics {
			for _, m := range sm.Metrics {
				for _, p := range m.Sum.DataPoints {
					value := p.AsDouble
					if p.AsInt != "" {
						value, err = strconv.ParseFloat(p.AsInt, 64)
						require.NoError(t, err)
					}
					for _, attribute := range p.Attributes {
						if attribute.Key == "agent" {
							out[[2]string{attribute.Value.StringValue, m.Name}] += value
						}
					}
				}
			}
		}
	}
	return out
}

// Scenario: records and spans of all agents, as they are on the wire, go to one collector, each twice.
// Guarantee: one page has all of them under the same names, told apart by `agent`, with the tokens, requests and reported
// costs that the samples hold; what has a price has a cost, and everything else is counted as unpriced.
func TestAllAgentsInOneView(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Base: fromEvents})
	client := collector.Client(t, harness.HTTPJSON)
	want := map[[2]string]float64{}
	for _, sample := range wireSamples {
		directory := filepath.Join(harness.MustRoot(t), "go-shim", "tokenledgerconnector", "testdata", "golden", sample)
		files, err := filepath.Glob(filepath.Join(directory, "input-*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files, sample)
		for _, file := range files {
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			signal := capture.Logs
			if strings.HasSuffix(file, ".traces.json") {
				signal = capture.Traces
			}
			request := capture.Request{Signal: signal, Encoding: capture.JSON, Body: body}
			require.NoError(t, client.SendAll(t.Context(), []capture.Request{request, request}), file)
		}
		for of, value := range expectedTotals(t, directory) {
			want[of] += value
		}
	}
	collector.Settle(t)
	page := collector.Page(t)
	agents := map[string]bool{}
	for of, value := range want {
		agent, metric := of[0], of[1]
		agents[agent] = true
		switch metric {
		case "token_ledger.tokens", "token_ledger.requests":
			assert.Equal(t, value, page.Sum(capture.Sanitised(metric)+"_total", "agent", agent), "%s of %s", metric, agent)
		case "token_ledger.cost.reported":
			assert.InDelta(t, value, page.Sum("token_ledger_cost_reported_USD_total", "agent", agent), costTolerance, agent)
		}
	}
	assert.GreaterOrEqual(t, len(agents), len(wireSamples)-1, "an agent for each sample, but for Claude Code's spans")
	for agent := range agents {
		priced, unpriced := page.Sum("token_ledger_cost_USD_total", "agent", agent), page.Sum("token_ledger_tokens_unpriced_total", "agent", agent)
		assert.Positive(t, priced+unpriced, "%s has a cost, or tokens without a price", agent)
	}
}
