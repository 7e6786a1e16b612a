// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/readmetest"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other.
func TestReadmeNamesEverySetting(t *testing.T) {
	documented := readmetest.Settings(readmetest.Section(t, "## Configuration"))
	assert.Equal(t, readmetest.Defaults(createDefaultConfig()), documented)
}

// Scenario: a metric is added, or changes its unit.
// Guarantee: the README's table names every metric with its unit, and no other.
func TestReadmeNamesEveryMetric(t *testing.T) {
	documented := map[string]string{}
	for _, match := range regexp.MustCompile("(?m)^\\| `(token_ledger[a-z_.]*)` \\| `([^`]*)` \\|").FindAllStringSubmatch(readmetest.Section(t, "## Metrics"), -1) {
		documented[match[1]] = match[2]
	}
	made := map[string]string{}
	for m := range metricCount {
		made[metrics[m].name] = metrics[m].unit
	}
	assert.Equal(t, made, documented)
	assert.Equal(t, events.ConnectorScope, metadata.ScopeName)
	assert.Contains(t, readmetest.Section(t, "## Metrics"), "`"+events.ConnectorScope+"`")
}

// Scenario: an agent is counted by another signal than before.
// Guarantee: the README's table says by which signal each agent counts.
func TestReadmeNamesTheSignalOfEachAgent(t *testing.T) {
	signals := map[string]events.Signal{"logs": events.SignalLogs, "traces": events.SignalTraces}
	rows := regexp.MustCompile("(?m)^\\| [^|]+ \\| `([a-z-]+)` \\| (logs|traces) \\|").FindAllStringSubmatch(readmetest.Section(t, "## Which events count"), -1)
	var named []events.Agent
	for _, row := range rows {
		agent := events.Agent(row[1])
		named = append(named, agent)
		assert.Equal(t, events.CountedSignal(agent), signals[row[2]], agent)
	}
	assert.ElementsMatch(t, []events.Agent{events.ClaudeCode, events.Codex, events.GeminiCLI, events.QwenCode, events.Copilot, events.CopilotChat, events.Cline, events.OpenCode}, named)
}

// Scenario: a reader copies an example of the README.
// Guarantee: it is accepted.
func TestReadmeExamplesAreValid(t *testing.T) {
	readmetest.RequireValidExamples(t, "connectors::token_ledger", createDefaultConfig)
}
