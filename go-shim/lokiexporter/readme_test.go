// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// Scenario: a setting or a default changes, here or in a part of the collector that this exporter uses.
// Guarantee: each row of the README's table is a setting with its default, and every setting is in it that is the
// exporter's own or has another default than the collector's HTTP client.
func TestReadmeNamesTheSettings(t *testing.T) {
	documented := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| `([^`]*)` \\|")
	for _, match := range row.FindAllStringSubmatch(section(t, "## Configuration"), -1) {
		documented[match[1]] = match[2]
	}
	require.NotEmpty(t, documented)
	settings := flat(t, createDefaultConfig())
	settings["sending_queue.enabled"] = "true" // it is written where the queue may be left out
	for name, value := range documented {
		got, ok := settings[name]
		assert.True(t, ok || name == "compression" || name == "endpoint", "%s is no setting", name)
		assert.Equal(t, sameSpelling(strings.Trim(value, `"`)), sameSpelling(got), name)
	}
	client := confighttp.NewDefaultClientConfig()
	shared := flat(t, &client)
	for name, value := range settings {
		own := strings.HasPrefix(name, "default_labels_enabled.")
		_, ofClient := shared[name]
		if own || (shared[name] != value && (ofClient || !strings.Contains(name, "."))) {
			assert.Contains(t, documented, name)
		}
	}
}

// flat is a configuration as keys with dots and values as text.
func flat(t *testing.T, cfg any) map[string]string {
	t.Helper()
	conf := confmap.New()
	require.NoError(t, conf.Marshal(cfg))
	out := map[string]string{}
	for _, key := range conf.AllKeys() {
		if value := conf.Get(strings.ReplaceAll(key, ".", confmap.KeyDelimiter)); value != nil {
			out[strings.ReplaceAll(key, confmap.KeyDelimiter, ".")] = fmt.Sprint(value)
		}
	}
	return out
}

// sameSpelling writes a duration as Go does and leaves everything else.
func sameSpelling(text string) string {
	if duration, err := time.ParseDuration(text); err == nil && text != "0" {
		return duration.String()
	}
	return text
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
		sub, err := all.Sub("exporters::loki")
		require.NoError(t, err)
		cfg := createDefaultConfig()
		require.NoError(t, sub.Unmarshal(cfg))
		require.NoError(t, confmap.Validate(cfg))
	}
}

// Scenario: a hint or a field of the line gets another name.
// Guarantee: the README has it.
func TestReadmeNamesHintsAndFields(t *testing.T) {
	for _, hint := range []string{hintAttributeLabels, hintResourceLabels, hintTenant, hintFormat} {
		assert.Contains(t, section(t, "## Hints"), "| `"+hint+"` |")
	}
	fields := section(t, "## Lines")
	for _, name := range []string{nameBody, nameTraceID, nameSpanID, nameSeverity, nameFlags, nameAttributes, nameResources, nameScope} {
		assert.Contains(t, fields, "`"+name+"`")
	}
	assert.Contains(t, section(t, "## Differences from the removed exporter"), fmt.Sprintf("up to %d levels", maxDepth))
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
