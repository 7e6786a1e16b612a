// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"
)

func documentOf(content map[string]any) *document {
	return &document{conf: confmap.NewFromStringMap(content)}
}

// Scenario: values are read, written and removed, among them the last of a map.
// Guarantee: what is beside them stays, lists and maps are replaced as a whole, and a map that becomes empty stays, since
// a component without settings is still a component.
func TestDocumentChangesOneValue(t *testing.T) {
	d := documentOf(map[string]any{
		"exporters": map[string]any{"debug": map[string]any{"verbosity": "basic"}, "nop": nil},
		"service":   map[string]any{"extensions": []any{"a", "b"}},
	})
	assert.Equal(t, "basic", d.get("exporters", "debug", "verbosity"))
	assert.True(t, d.has("exporters", "nop"))
	assert.False(t, d.has("exporters", "file"))

	assert.True(t, d.remove("exporters", "debug", "verbosity"))
	assert.False(t, d.remove("exporters", "debug", "verbosity"))
	assert.Equal(t, []string{"debug", "nop"}, d.components("exporters"))

	require.NoError(t, d.set([]any{"c"}, "service", "extensions"))
	require.NoError(t, d.set(map[string]any{"path": "x"}, "exporters", "nop"))
	assert.Equal(t, map[string]any{
		"exporters": map[string]any{"debug": map[string]any{}, "nop": map[string]any{"path": "x"}},
		"service":   map[string]any{"extensions": []any{"c"}},
	}, d.conf.ToStringMap())
}

// Scenario: the only value of a configuration three levels deep is removed.
// Guarantee: the maps around it stay.
func TestDocumentRemovesTheLastValue(t *testing.T) {
	d := documentOf(map[string]any{"exporters": map[string]any{"debug": map[string]any{"verbosity": "basic"}}})
	require.True(t, d.remove("exporters", "debug", "verbosity"))
	assert.Equal(t, map[string]any{"exporters": map[string]any{"debug": map[string]any{}}}, d.conf.ToStringMap())
	require.True(t, d.remove("exporters", "debug"))
	assert.Equal(t, map[string]any{"exporters": map[string]any{}}, d.conf.ToStringMap())
}

// credentials reads as components do: a textual field takes what was written, a number what YAML reads.
type credentials struct {
	Password string `mapstructure:"password"`
	Port     int    `mapstructure:"port"`
}

func (c credentials) check(t *testing.T, conf *confmap.Conf, place string) {
	t.Helper()
	sub, err := conf.Sub(place)
	require.NoError(t, err)
	read := credentials{}
	require.NoError(t, sub.Unmarshal(&read, confmap.WithIgnoreUnused()))
	assert.Equal(t, c, read, place)
}

// Scenario: PASS=007 is used by components of which one is renamed, one loses another setting, one has an action left out
// of a list that uses PASS too, and one is not touched.
// Guarantee: all of them still read "007" where they take text, as without the converter.
func TestValuesOfVariablesKeepTheirText(t *testing.T) {
	t.Setenv("PASS", "007")
	t.Setenv("PORT", "0042")
	conf := resolve(t, baseConfiguration(t), `
exporters:
  logging: {password: "${env:PASS}", port: "${env:PORT}"}
  otlp: {password: "${env:PASS}", batcher: {min_size: "${env:PORT}"}}
  prometheus: {endpoint: "127.0.0.1:0", password: "${env:PASS}", add_metric_suffixes: false}
  kafka: {password: "${env:PASS}", port: "${env:PORT}"}
processors:
  resource: {attributes: [{key: a, action: upsert}, {key: b, value: "${env:PASS}", action: upsert}]}
`)
	untouched := xconfmap.ToStringMapRaw(conf)["exporters"].(map[string]any)["kafka"]
	passThrough(t, conf, nil, repair)

	credentials{"007", 34}.check(t, conf, "exporters::debug") // YAML reads 0042 as octal
	credentials{"007", 0}.check(t, conf, "exporters::otlp")
	credentials{"007", 0}.check(t, conf, "exporters::prometheus")
	credentials{"007", 34}.check(t, conf, "exporters::kafka")
	exporters := xconfmap.ToStringMapRaw(conf)["exporters"].(map[string]any)
	assert.Equal(t, untouched, exporters["kafka"])
	queue := exporters["otlp"].(map[string]any)["sending_queue"].(map[string]any)["batch"].(map[string]any)
	assert.Equal(t, xconfmap.ExpandedValue{Value: 34, Original: "0042"}, queue["min_size"])

	actions := xconfmap.ToStringMapRaw(conf)["processors"].(map[string]any)["resource"].(map[string]any)["attributes"]
	assert.Equal(t, []any{map[string]any{
		"key": "b", "action": "upsert", "value": xconfmap.ExpandedValue{Value: 7, Original: "007"},
	}}, actions)
}

// Scenario: sections, a component, a pipeline and lists of names come as a whole from variables.
// Guarantee: repairs reach into them.
func TestSectionsFromVariables(t *testing.T) {
	t.Setenv("EXPORTERS", "{logging: {loglevel: info, sampling_thereafter: 2}}")
	t.Setenv("OTLP", "{endpoint: '127.0.0.1:1', batcher: {enabled: false}}")
	t.Setenv("NAMES", "[logging, nop]")
	t.Setenv("PIPELINE", "{receivers: [otlp], exporters: [logging]}")
	conf := resolve(t, `
receivers: {otlp: }
exporters: "${env:EXPORTERS}"
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: "${env:NAMES}"}
    logs: "${env:PIPELINE}"
`)
	assert.Equal(t, []string{"exporter-logging exporters::logging"}, passThrough(t, conf, nil, repair))
	assert.Equal(t, map[string]any{"debug": map[string]any{"verbosity": "normal", "sampling_thereafter": 2}},
		conf.ToStringMap()["exporters"])
	d := &document{conf: conf}
	assert.Equal(t, []string{"debug", "nop"}, d.names("service", "pipelines", "metrics", "exporters"))
	assert.Equal(t, []string{"debug"}, d.names("service", "pipelines", "logs", "exporters"))
}

// Scenario: identifiers are compared and made.
// Guarantee: spaces do not count, as for the collector, and a new identifier never hits one that is there.
func TestIdentifiers(t *testing.T) {
	assert.True(t, sameID("otlp / a", "otlp/a"))
	assert.False(t, sameID("otlp/a", "otlp/b"))
	d := documentOf(map[string]any{
		"exporters":  map[string]any{"debug": nil, "debug/logging": nil, "debug/x": nil},
		"connectors": map[string]any{"debug/x_logging": nil},
	})
	assert.Equal(t, "debug/logging_2", d.free("exporters", "debug", "", "logging"))
	assert.Equal(t, "debug/x_logging_2", d.free("exporters", "debug", "x", "logging"))
	assert.Equal(t, "debug/y", d.free("exporters", "debug", "y", "logging"))
}

// Scenario: lists of names hold a number, and a name that is to be replaced.
// Guarantee: the number stays for the collector to refuse: a repair never makes a broken configuration look right.
func TestListsKeepWhatIsNoName(t *testing.T) {
	d := documentOf(map[string]any{
		"exporters": map[string]any{"a": nil},
		"service":   map[string]any{"pipelines": map[string]any{"logs": map[string]any{"exporters": []any{1, "a", nil}}}},
	})
	require.NoError(t, d.rename("exporters", "a", "b"))
	assert.Equal(t, []any{1, "b", nil}, d.get("service", "pipelines", "logs", "exporters"))
	require.NoError(t, d.drop("exporters", "b"))
	assert.Equal(t, []any{1, nil}, d.get("service", "pipelines", "logs", "exporters"))
}

// Scenario: a list of names is written as text, which the collector separates at commas.
// Guarantee: names in it are found and replaced, and text without them stays text.
func TestListsWrittenAsText(t *testing.T) {
	d := documentOf(map[string]any{
		"exporters": map[string]any{"a": nil},
		"service": map[string]any{"pipelines": map[string]any{
			"logs": map[string]any{"exporters": "a,c"}, "traces": map[string]any{"exporters": "c"},
		}},
	})
	assert.True(t, d.used("exporters", "c"))
	require.NoError(t, d.rename("exporters", "a", "b"))
	assert.Equal(t, []any{"b", "c"}, d.get("service", "pipelines", "logs", "exporters"))
	assert.Equal(t, "c", d.get("service", "pipelines", "traces", "exporters"))
}
