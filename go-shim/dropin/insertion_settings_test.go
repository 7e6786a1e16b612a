// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
)

// Scenario: all configurations of testdata/insertion.
// Guarantee: the processors themselves take the settings that were made for them, and every identifier is one that the
// collector takes.
func TestSettingsAreTaken(t *testing.T) {
	defaults := map[string]func() component.Config{
		ledgerType: tokenledgerprocessor.NewFactory().CreateDefaultConfig,
		labelsType: prometheuslabelsprocessor.NewFactory().CreateDefaultConfig,
	}
	taken := map[string]int{}
	for _, pattern := range []string{"*.yaml", "labels/*.yaml"} {
		files, err := filepath.Glob(filepath.Join("testdata", "insertion", pattern))
		require.NoError(t, err)
		for _, file := range files {
			f := loadFixture(t, file)
			output, _, err := runSteps(t, f.Input, surroundingsOf(f), insert, settleLabels)
			if f.Error != "" {
				continue
			}
			require.NoError(t, err)
			processors, _ := output["processors"].(map[string]any)
			for key, settings := range processors {
				var id component.ID
				require.NoError(t, id.UnmarshalText([]byte(key)))
				create := defaults[id.Type().String()]
				if create == nil {
					continue
				}
				config := create()
				entries, _ := settings.(map[string]any)
				require.NoError(t, confmap.NewFromStringMap(entries).Unmarshal(config), "%s %s", file, key)
				require.NoError(t, confmap.Validate(config), "%s %s", file, key)
				taken[id.Type().String()]++
			}
		}
	}
	assert.Greater(t, taken[ledgerType], 30)
	assert.Greater(t, taken[labelsType], 20)
}

// Scenario: settings come from variables, as a whole section, as lists, as text that looks like a number.
// Guarantee: they are read like written ones, and what moves keeps the text that was written.
func TestInsertionReadsVariables(t *testing.T) {
	t.Setenv("PAGES", "prometheus,nop")
	t.Setenv("RELEASE", "007")
	t.Setenv("CONVERT", "true")
	t.Setenv("URL", "http://prometheus:9090/api/v1/otlp")
	t.Setenv("STREAMS", "4000")
	t.Setenv("EXPORTERS", `{prometheus: {const_labels: {release: "${env:RELEASE}"}, resource_to_telemetry_conversion: {enabled: "${env:CONVERT}"}}, otlp_http: {endpoint: "${env:URL}"}, nop: {}}`)
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs: []string{"yaml:" + strings.Join([]string{
			"receivers: {otlp: {}}",
			"processors: {delta_to_cumulative: {max_streams: '${env:STREAMS}'}}",
			"exporters: ${env:EXPORTERS}",
			"service: {pipelines: {metrics: {receivers: [otlp], exporters: '${env:PAGES}'}, metrics/push: {receivers: [otlp], processors: [delta_to_cumulative], exporters: [otlp_http]}}}",
		}, "\n")},
		ProviderFactories: []confmap.ProviderFactory{envprovider.NewFactory(), yamlprovider.NewFactory()},
	})
	require.NoError(t, err)
	conf, err := resolver.Resolve(t.Context())
	require.NoError(t, err)
	document := &document{conf: conf}
	require.NoError(t, document.open())
	for _, step := range []step{insert, settleLabels} {
		require.NoError(t, step(document, surroundingsOf(fixture{Environment: map[string]string{stateVariable: ""}}), &report{}))
	}

	assert.Equal(t, []string{"token_ledger/metrics", "prometheus_labels/prometheus"}, document.names("service", "pipelines", "metrics", "processors"))
	assert.Equal(t, "007", document.text("processors", "prometheus_labels/prometheus", "const_labels", "release"))
	assert.Equal(t, true, document.get("processors", "prometheus_labels/prometheus", "resource_attributes"))
	assert.Equal(t, true, document.get("processors", "token_ledger/metrics", "prometheus", "promote_all_resource_attributes"))
	assert.Equal(t, []string{"token_ledger/metrics/push"}, document.names("service", "pipelines", "metrics/push", "processors"))
	assert.Equal(t, 4000, document.get("processors", "token_ledger/metrics/push", "cardinality", "max_streams"))

	labels := prometheuslabelsprocessor.NewFactory().CreateDefaultConfig().(*prometheuslabelsprocessor.Config)
	sub, err := conf.Sub("processors::prometheus_labels/prometheus")
	require.NoError(t, err)
	require.NoError(t, sub.Unmarshal(labels))
	assert.Equal(t, map[string]string{"release": "007"}, labels.ConstLabels)
}

// Scenario: a real directory, one that can be written and one that is not there.
// Guarantee: looking leaves nothing behind and makes nothing, and says why the directory cannot be used.
func TestStateDirectoryIsOnlyLookedAt(t *testing.T) {
	directory := t.TempDir()
	require.NoError(t, writable(directory))
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	assert.Empty(t, entries)

	missing := filepath.Join(directory, "missing")
	err = writable(missing)
	require.Error(t, err)
	assert.NoDirExists(t, missing)
	assert.Equal(t, "no such file or directory", cause(err).Error())
}

// Scenario: URLs of `otlp_http`.
// Guarantee: servers of the Prometheus family are recognised by the path, Mimir and Grafana Cloud by host and path, and nothing
// else is, however similar.
func TestPrometheusServers(t *testing.T) {
	for address, server := range map[string]string{
		"http://prometheus:9090/api/v1/otlp":                   "Prometheus",
		"http://prometheus:9090/prefix/api/v1/otlp/":           "Prometheus",
		"http://victoria:8428/opentelemetry":                   "VictoriaMetrics",
		"http://vminsert:8480/insert/0/opentelemetry":          "VictoriaMetrics",
		"http://mimir:9009/otlp":                               "Mimir",
		"https://eu.mimir.example.com:443/otlp/":               "Mimir",
		"http://my-mimir-nginx.ns.svc/otlp":                    "Mimir",
		"https://otlp-gateway-prod-us-east-0.grafana.net/otlp": "Grafana Cloud",
		"HTTP://PROMETHEUS/api/v1/otlp":                        "Prometheus",
		"http://loki:3100/otlp":                                "",
		"http://mimirror/otlp":                                 "",
		"https://notgrafana.net/otlp":                          "",
		"https://grafana.net.example.com/otlp":                 "",
		"https://tempo-prod.grafana.net/tempo":                 "",
		"https://opentelemetry.example.com":                    "",
		"https://example.com/opentelemetry-proxy":              "",
		"https://example.com/?next=/api/v1/otlp":               "",
		"otel-collector:4318":                                  "",
		"http://collector:4318":                                "",
		"://":                                                  "",
		"":                                                     "",
	} {
		t.Run(address, func(t *testing.T) {
			for name, settings := range map[string]map[string]any{
				"endpoint":         {"endpoint": address},
				"metrics_endpoint": {"metrics_endpoint": address + "/v1/metrics", "endpoint": "http://elsewhere"},
			} {
				found, _, ok := prometheusServer(func(path ...string) any { return settings[path[0]] })
				assert.Equal(t, server, found, name)
				assert.Equal(t, server != "", ok, name)
			}
		})
	}
}

// Scenario: processors before token_ledger, one at a time.
// Guarantee: `retransmissions: add` is chosen for those that remove or merge what tells clients apart, and not for others.
func TestProcessorsThatMerge(t *testing.T) {
	for name, c := range map[string]struct {
		id       string
		settings string
		merges   bool
	}{
		"delete":            {"attributes", `{actions: [{key: session.id, action: delete}]}`, true},
		"delete by pattern": {"attributes/x", `{actions: [{key: a, value: b, action: insert}, {pattern: "^user", action: DELETE}]}`, true},
		"overwrite":         {"attributes", `{actions: [{key: user.id, value: x, action: upsert}]}`, true},
		"insert":            {"attributes", `{actions: [{key: user.id, value: x, action: insert}]}`, false},
		"hash":              {"attributes", `{actions: [{key: user.email, action: hash}]}`, false},
		"other overwrite":   {"attributes", `{actions: [{key: team, value: x, action: upsert}]}`, false},
		"service.name":      {"resource", `{attributes: [{key: service.name, value: claude-code, action: upsert}]}`, false},
		"resource delete":   {"resource", `{attributes: [{key: os.version, action: delete}]}`, true},
		"instance":          {"resource", `{attributes: [{key: service.instance.id, value: x, action: upsert}]}`, true},
		"delete_key":        {"transform", `{metric_statements: [{context: datapoint, statements: ['delete_key(attributes, "session.id")']}]}`, true},
		"keep_keys":         {"transform", `{metric_statements: ['keep_keys(datapoint.attributes, ["model"])']}`, true},
		"delete_matching":   {"transform", `{metric_statements: ['delete_matching_keys(resource.attributes, "os.*")']}`, true},
		"set identifying":   {"transform", `{metric_statements: ['set(datapoint.attributes["session.id"], "x")']}`, true},
		"set user":          {"transform", `{metric_statements: ['set(resource.attributes["user.email"], "x")']}`, true},
		"set by context":    {"transform", `{metric_statements: [{context: datapoint, statements: ['set( attributes[ "terminal.type" ], "x") where true']}]}`, true},
		"set from another":  {"transform", `{metric_statements: ['set(datapoint.attributes["session.id"], resource.attributes["host.name"])']}`, true},
		"set from itself":   {"transform", `{metric_statements: ['set(datapoint.attributes["host.name"], resource.attributes["host.name"]) where resource.attributes["host.name"] != nil']}`, false},
		"set part of it":    {"transform", `{metric_statements: ['set(datapoint.attributes["user.id"], Substring(datapoint.attributes["user.id"], 0, 2))']}`, true},
		"set similar":       {"transform", `{metric_statements: ['set(datapoint.attributes["user.team"], "x")', 'set(resource.attributes["host.type"], "y")']}`, false},
		"set both":          {"transform", `{metric_statements: ['set(datapoint.attributes["team"], "x")', 'set(datapoint.attributes["process.pid"], 1)']}`, true},
		"similar overwrite": {"attributes", `{actions: [{key: user.team, value: x, action: upsert}]}`, false},
		"host overwrite":    {"resource", `{attributes: [{key: host.name, value: x, action: update}]}`, true},
		"set all":           {"transform", `{metric_statements: ['set(datapoint.attributes, resource.attributes)']}`, true},
		"aggregate":         {"transform", `{metric_statements: [{context: metric, statements: ['aggregate_on_attributes("sum", ["type"])']}]}`, true},
		"set other":         {"transform", `{metric_statements: ['set(datapoint.attributes["team"], "x")']}`, false},
		"logs only":         {"transform", `{log_statements: ['delete_key(log.attributes, "session.id")']}`, false},
		"aggregate_labels":  {"metricstransform", `{transforms: [{include: x, action: update, operations: [{action: aggregate_labels, label_set: [type], aggregation_type: sum}]}]}`, true},
		"rename":            {"metrics_transform", `{transforms: [{include: x, action: update, new_name: y}]}`, false},
		"redaction":         {"redaction", `{allow_all_keys: true, blocked_values: ["4[0-9]{12}"]}`, true},
		"groupbyattrs":      {"groupbyattrs", `{keys: [session.id]}`, false},
		"batch":             {"batch", `{timeout: 1s}`, false},
		"no settings":       {"attributes", `null`, false},
		"not a list":        {"attributes", `{actions: {key: delete}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := graphOf(t, "processors: {"+c.id+": "+c.settings+"}")
			assert.Equal(t, c.merges, g.merges([]string{"memory_limiter", c.id}) == c.id)
		})
	}
}

// Scenario: processors behind delta_to_cumulative, one at a time.
// Guarantee: it gives way only before those that do the same with increments and with totals.
func TestProcessorsThatNeedTotals(t *testing.T) {
	for name, c := range map[string]struct {
		id       string
		settings string
		needs    bool
	}{
		"batch":             {"batch/x", `{}`, false},
		"attributes":        {"attributes", `{actions: [{key: a, action: delete}]}`, false},
		"filter by name":    {"filter", `{metrics: {metric: ['name == "x"']}}`, false},
		"filter by value":   {"filter", `{metrics: {datapoint: ['value_int == 0']}}`, true},
		"filter by time":    {"filter", `{metrics: {metric: ['aggregation_temporality == 2']}}`, true},
		"set":               {"transform", `{metric_statements: ['set(datapoint.attributes["a"], "b")']}`, false},
		"convert":           {"transform", `{metric_statements: ['convert_sum_to_gauge()']}`, true},
		"sum":               {"transform", `{metric_statements: ['aggregate_on_attributes("sum", ["a"])']}`, false},
		"max":               {"transform", `{metric_statements: ['aggregate_on_attributes( "max", ["a"])']}`, true},
		"aggregate sum":     {"metricstransform", `{transforms: [{include: x, operations: [{action: aggregate_labels, aggregation_type: sum}]}]}`, false},
		"aggregate mean":    {"metrics_transform", `{transforms: [{include: x, operations: [{action: aggregate_labels, aggregation_type: mean}]}]}`, true},
		"scale":             {"metricstransform", `{transforms: [{include: x, operations: [{action: experimental_scale_value, experimental_scale: 2}]}]}`, true},
		"cumulativetodelta": {"cumulativetodelta", `{}`, true},
		"unknown":           {"x", `{}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.needs, graphOf(t, "processors: {"+c.id+": "+c.settings+"}").needsTotals(c.id))
		})
	}
}

// Scenario: processors behind a batch, one at a time.
// Guarantee: a batch moves only past those that do the same with requests as with batches, and see no metadata of clients.
func TestProcessorsThatBatchesMovePast(t *testing.T) {
	for name, c := range map[string]struct {
		id       string
		settings string
		same     bool
	}{
		"memory_limiter":   {"memory_limiter/x", `{limit_mib: 5}`, true},
		"resource":         {"resource", `{attributes: [{key: a, value: b, action: upsert}]}`, true},
		"attributes":       {"attributes", `{actions: [{key: a, action: delete}, {key: b, from_attribute: c, action: insert}]}`, true},
		"from_context":     {"attributes", `{actions: [{key: a, action: delete}, {key: b, from_context: metadata.b, action: insert}]}`, false},
		"resource context": {"resource", `{attributes: [{key: b, from_context: client.address, action: insert}]}`, false},
		"redaction":        {"redaction", `{allow_all_keys: true}`, true},
		"groupbyattrs":     {"groupbyattrs", `{keys: [a]}`, true},
		"interval":         {"interval", `null`, true},
		"filter":           {"filter", `{metrics: {metric: ['name == "x"']}}`, true},
		"filter client":    {"filter", `{metrics: {metric: ['otelcol.client.metadata["a"] != nil']}}`, false},
		"set":              {"transform", `{metric_statements: ['set(datapoint.attributes["a"], "b")', 'convert_sum_to_gauge()']}`, true},
		"set client":       {"transform", `{metric_statements: [{statements: ['set(datapoint.attributes["a"], otelcol.client.addr)']}]}`, false},
		"aggregate":        {"transform", `{metric_statements: ['aggregate_on_attributes ("sum", ["a"])']}`, false},
		"aggregate value":  {"transform", `{metric_statements: ['aggregate_on_attribute_value("sum", "a", ["b"], "c")']}`, false},
		"limit":            {"transform", `{metric_statements: ['limit(datapoint.attributes, 5, [])']}`, false},
		"rename":           {"metricstransform", `{transforms: [{include: x, action: update, new_name: y}]}`, true},
		"aggregate_labels": {"metrics_transform", `{transforms: [{include: x, operations: [{action: aggregate_labels, aggregation_type: sum}]}]}`, false},
		"combine":          {"metricstransform", `{transforms: [{include: "^x", match_type: regexp, action: combine, new_name: y}]}`, false},
		"converter":        {"cumulativetodelta", `null`, false},
		"unknown":          {"x", `{}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := graphOf(t, "processors: {batch: , "+c.id+": "+c.settings+"}")
			batches, stay := g.movable([]string{"batch", c.id}, false)
			assert.Equal(t, c.same, len(batches) == 1)
			assert.Equal(t, c.same, stay == obstacle{}, stay)
		})
	}
}

func graphOf(t *testing.T, text string) *graph {
	t.Helper()
	conf, err := confmap.NewRetrievedFromYAML([]byte(text))
	require.NoError(t, err)
	entries, err := conf.AsConf()
	require.NoError(t, err)
	return newGraph(&document{conf: entries})
}

// Scenario: configurations that are no configurations: values of the wrong kind everywhere, empty ones, circles.
// Guarantee: no panic, no endless loop, and lists that hold something else than names are not written again, so that the
// collector can say what is wrong with them.
func TestInsertionHostile(t *testing.T) {
	for name, text := range map[string]string{
		"empty":           `{}`,
		"nothing":         `{service: null, processors: null, exporters: null}`,
		"text":            `{service: x, exporters: y}`,
		"lists":           `{service: [1], exporters: [2], processors: [3], connectors: [4]}`,
		"text pipelines":  `{service: {pipelines: x}}`,
		"list pipelines":  `{service: {pipelines: [metrics]}}`,
		"empty pipeline":  `{service: {pipelines: {metrics: null}}}`,
		"number in list":  `{receivers: {otlp: null}, exporters: {prometheus: null}, service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus, 5, null]}}}}`,
		"map as list":     `{receivers: {otlp: null}, exporters: {prometheus: null}, service: {pipelines: {metrics: {receivers: [otlp], processors: {a: b}, exporters: [prometheus]}}}}`,
		"no receivers":    `{exporters: {prometheus: null}, service: {pipelines: {metrics: {exporters: [prometheus]}}}}`,
		"empty receivers": `{exporters: {prometheus: null}, service: {pipelines: {metrics: {receivers: [], exporters: [prometheus]}}}}`,
		"circle":          `{receivers: {otlp: null}, exporters: {prometheus: null}, connectors: {forward/a: null, forward/b: null}, service: {pipelines: {metrics/a: {receivers: [forward/b], exporters: [forward/a]}, metrics/b: {receivers: [forward/a], exporters: [forward/b, prometheus]}}}}`,
		"own tail":        `{receivers: {otlp: null}, exporters: {prometheus: null}, connectors: {forward: null}, service: {pipelines: {metrics: {receivers: [forward], exporters: [forward, prometheus]}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			input := graphOf(t, text).document.conf.ToStringMap()
			output, _, err := runSteps(t, input, surroundingsOf(fixture{}), insert, settleLabels)
			require.NoError(t, err)
			assert.Equal(t, asYAML(t, input), asYAML(t, output))
		})
	}
	for name, text := range map[string]string{
		"text settings": `{receivers: {otlp: x}, processors: {attributes: x, deltatocumulative: {max_streams: [1], max_stale: {}}}, exporters: {prometheus: [x]}, service: {pipelines: {metrics: {receivers: [otlp], processors: [attributes, deltatocumulative], exporters: [prometheus]}}}}`,
		"wrong values":  `{receivers: {otlp: null}, exporters: {prometheus: {metric_expiration: never, const_labels: [a], resource_to_telemetry_conversion: yes, without_scope_info: 7}}, service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}}`,
		"huge numbers":  `{receivers: {otlp: null}, processors: {deltatocumulative: {max_streams: 9223372036854775807, max_stale: 999999h}}, exporters: {prometheus: {metric_expiration: -5s}}, service: {pipelines: {metrics: {receivers: [otlp], processors: [deltatocumulative], exporters: [prometheus]}}}}`,
		"undeclared":    `{service: {pipelines: {metrics: {receivers: [otlp], processors: [x, deltatocumulative], exporters: [prometheus, y, forward]}}}}`,
		"twice":         `{receivers: {otlp: null}, exporters: {prometheus: null, kafka: null}, service: {pipelines: {metrics: {receivers: [otlp, otlp], exporters: [prometheus, prometheus, kafka]}}}}`,
		"long name":     `{receivers: {otlp: null}, exporters: {prometheus/` + strings.Repeat("ä", 500) + `: null, kafka: null}, service: {pipelines: {metrics/` + strings.Repeat("x", 1015) + `: {receivers: [otlp], exporters: [prometheus/` + strings.Repeat("ä", 500) + `, kafka]}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			input := graphOf(t, text).document.conf.ToStringMap()
			output, _, err := runSteps(t, input, surroundingsOf(fixture{}), insert, settleLabels)
			require.NoError(t, err)
			processors, _ := output["processors"].(map[string]any)
			ledgers := 0
			for key := range processors {
				var id component.ID
				require.NoError(t, id.UnmarshalText([]byte(key)))
				if componentType(key) == ledgerType {
					ledgers++
				}
			}
			assert.Equal(t, 1, ledgers)
		})
	}
}
