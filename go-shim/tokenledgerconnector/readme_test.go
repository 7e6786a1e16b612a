// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other.
func TestReadmeNamesEverySetting(t *testing.T) {
	documented := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| `([^`]*)` \\|")
	for _, match := range row.FindAllStringSubmatch(section(t, "## Configuration"), -1) {
		documented[match[1]] = sameSpelling(match[2])
	}
	settings := map[string]string{}
	listSettings(reflect.ValueOf(*createDefaultConfig().(*Config)), "", settings)
	assert.Equal(t, settings, documented)
}

// Scenario: a metric is added, or changes its unit.
// Guarantee: the README's table names every metric with its unit, and no other.
func TestReadmeNamesEveryMetric(t *testing.T) {
	documented := map[string]string{}
	for _, match := range regexp.MustCompile("(?m)^\\| `(token_ledger[a-z_.]*)` \\| `([^`]*)` \\|").FindAllStringSubmatch(section(t, "## Metrics"), -1) {
		documented[match[1]] = match[2]
	}
	made := map[string]string{}
	for m := range metricCount {
		made[metrics[m].name] = metrics[m].unit
	}
	assert.Equal(t, made, documented)
	assert.Equal(t, events.ConnectorScope, metadata.ScopeName)
	assert.Contains(t, section(t, "## Metrics"), "`"+events.ConnectorScope+"`")
}

// Scenario: an agent is counted by another signal than before.
// Guarantee: the README's table says by which signal each agent counts.
func TestReadmeNamesTheSignalOfEachAgent(t *testing.T) {
	signals := map[string]events.Signal{"logs": events.SignalLogs, "traces": events.SignalTraces}
	rows := regexp.MustCompile("(?m)^\\| [^|]+ \\| `([a-z-]+)` \\| (logs|traces) \\|").FindAllStringSubmatch(section(t, "## Which events count"), -1)
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
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		file := t.TempDir() + "/example.yaml"
		require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
		all, err := confmaptest.LoadConf(file)
		require.NoError(t, err)
		sub, err := all.Sub("connectors::token_ledger")
		require.NoError(t, err)
		cfg := createDefaultConfig()
		require.NoError(t, sub.Unmarshal(cfg))
		require.NoError(t, confmap.Validate(cfg))
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}

// section is the part of the README below a heading, up to the next of its kind.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(readme(t), "\n"+heading+"\n")
	require.True(t, ok, heading)
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

// listSettings collects the keys of a configuration, nested ones with a dot, and their values as text.
func listSettings(cfg reflect.Value, prefix string, into map[string]string) {
	for i := range cfg.NumField() {
		key, ok := cfg.Type().Field(i).Tag.Lookup("mapstructure")
		if !ok {
			continue
		}
		field := cfg.Field(i)
		if field.Kind() == reflect.Struct {
			listSettings(field, prefix+key+".", into)
			continue
		}
		if field.Kind() == reflect.String && field.Len() == 0 {
			into[prefix+key] = `""` // nothing between two backquotes is no code in Markdown
			continue
		}
		into[prefix+key] = fmt.Sprint(field.Interface())
	}
}

// sameSpelling writes a duration as Go does (30m as 30m0s) and leaves everything else.
func sameSpelling(text string) string {
	if duration, err := time.ParseDuration(text); err == nil && text != "0" {
		return duration.String()
	}
	return text
}
