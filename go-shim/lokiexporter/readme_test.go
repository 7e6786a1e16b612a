// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"

	"github.com/tokenledger/tokenledger/go-shim/internal/readmetest"
)

// Scenario: a setting or a default changes, here or in a part of the collector that this exporter uses.
// Guarantee: each row of the README's table is a setting with its default, and every setting is in it that is the
// exporter's own or has another default than the collector's HTTP client.
func TestReadmeNamesTheSettings(t *testing.T) {
	documented := readmetest.Settings(readmetest.Section(t, "## Configuration"))
	require.NotEmpty(t, documented)
	settings := flat(t, createDefaultConfig())
	settings["sending_queue.enabled"] = "true" // it is written where the queue may be left out
	for name, value := range documented {
		got, ok := settings[name]
		assert.True(t, ok || name == "compression" || name == "endpoint", "%s is no setting", name)
		assert.Equal(t, strings.Trim(value, `"`), readmetest.Spelling(got), name)
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

// Scenario: a reader copies an example of the README.
// Guarantee: it is accepted.
func TestReadmeExamplesAreValid(t *testing.T) {
	readmetest.RequireValidExamples(t, "exporters::loki", createDefaultConfig)
}

// Scenario: a hint or a field of the line gets another name.
// Guarantee: the README has it.
func TestReadmeNamesHintsAndFields(t *testing.T) {
	for _, hint := range []string{hintAttributeLabels, hintResourceLabels, hintTenant, hintFormat} {
		assert.Contains(t, readmetest.Section(t, "## Hints"), "| `"+hint+"` |")
	}
	fields := readmetest.Section(t, "## Lines")
	for _, name := range []string{nameBody, nameTraceID, nameSpanID, nameSeverity, nameFlags, nameAttributes, nameResources, nameScope} {
		assert.Contains(t, fields, "`"+name+"`")
	}
	assert.Contains(t, readmetest.Section(t, "## Differences from the removed exporter"), fmt.Sprintf("up to %d levels", maxDepth))
}
