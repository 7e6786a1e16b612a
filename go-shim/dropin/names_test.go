// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// asked are the variables of a start that asks for families.
func asked(families string) map[string]string { return map[string]string{namesVariable: families} }

// Scenario: the variable is not set, empty, has blanks and doubles, or a word that is no family.
// Guarantee: without families nothing happens; a wrong word is refused with the list of right ones.
func TestNamesVariable(t *testing.T) {
	for value, want := range map[string]string{
		"":                      "",
		" , ":                   "",
		"double":                "double",
		" bare, double ,double": "double, bare",
		"all":                   "canonical, double, otel, without_units, bare",
		"all,otel":              "canonical, double, otel, without_units, bare",
	} {
		families, err := fixedEnvironment(asked(value)).families()
		require.NoError(t, err)
		assert.Equal(t, want, familyNames(families), value)
	}
	_, err := fixedEnvironment(asked("double,canonicol")).families()
	require.EqualError(t, err, `TOKEN_LEDGER_NAMES has "canonicol": use canonical, double, otel, without_units, bare or all, `+
		`separated by commas, or leave it out for no further names`)
}

// Scenario: the names of the families are compared with those that dashboards in the field ask for.
// Guarantee: each family holds exactly these for the two metrics that are asked for most, and for the odd one.
func TestNamesOfFamilies(t *testing.T) {
	wanted := map[string][]string{
		"canonical":     {"claude_code_cost_usage_USD_total", "claude_code_token_usage_tokens_total", "claude_code_active_time_seconds_total"},
		"double":        {"claude_code_claude_code_cost_usage_USD_total", "claude_code_claude_code_token_usage_tokens_total", "claude_code_claude_code_active_time_seconds_total"},
		"otel":          {"otel_claude_code_cost_usage_USD_total", "otel_claude_code_token_usage_tokens_total", "otel_claude_code_active_time_seconds_total"},
		"without_units": {"claude_code_cost_usage_total", "claude_code_token_usage_total", "claude_code_active_time_total", "claude_code_active_time_total_total", "claude_code_active_time_total_seconds"},
		"bare":          {"claude_code_cost_usage", "claude_code_token_usage", "claude_code_active_time_total"},
	}
	for _, family := range families {
		var names []string
		for _, metric := range claudeMetrics {
			if slices.Contains([]string{"claude_code.cost.usage", "claude_code.token.usage", "claude_code.active_time.total"}, metric.name) {
				names = append(names, family.names(metric)...)
			}
		}
		assert.Equal(t, wanted[family.name], names, family.name)
	}
	assert.Len(t, wanted, len(families))
}

// pipelineTo is a configuration with one pipeline to the given exporters.
func pipelineTo(exporters, settings string) string {
	return fmt.Sprintf("exporters: {%s}\nservice: {pipelines: {metrics: {exporters: [%s]}}}", settings, exporters)
}

// Scenario: families are asked for where exporters name metrics in each way they can.
// Guarantee: what shows anyway is not added, and the namespace moves only where a name cannot begin with it.
func TestNamesThatAreThereAreNotAdded(t *testing.T) {
	for name, c := range map[string]struct {
		exporter, settings, families string
		copies                       int
		moved                        bool
	}{
		"default names":                 {"prometheus", `prometheus: {endpoint: "a:1"}`, "canonical", 0, false},
		"default names, without units":  {"prometheus", `prometheus: {endpoint: "a:1"}`, "without_units", 5, false},
		"double by namespace":           {"prometheus", `prometheus: {endpoint: "a:1", namespace: claude_code}`, "double", 0, false},
		"canonical below its namespace": {"prometheus", `prometheus: {endpoint: "a:1", namespace: claude_code}`, "canonical", 8, false},
		"otel below another namespace":  {"prometheus", `prometheus: {endpoint: "a:1", namespace: claude_code}`, "otel", 8, true},
		"otel by namespace":             {"prometheus", `prometheus: {endpoint: "a:1", namespace: otel}`, "otel", 0, false},
		"without suffixes, bare":        {"prometheus", `prometheus: {endpoint: "a:1", translation_strategy: UnderscoreEscapingWithoutSuffixes}`, "bare", 0, false},
		"suffixes in doubt, bare":       {"prometheus", `prometheus: {endpoint: "a:1", add_metric_suffixes: false}`, "bare", 8, false},
		"without suffixes, canonical":   {"prometheus", `prometheus: {endpoint: "a:1", translation_strategy: UnderscoreEscapingWithoutSuffixes}`, "canonical", 8, false},
		"dots with suffixes":            {"prometheus", `prometheus: {endpoint: "a:1", translation_strategy: NoUTF8EscapingWithSuffixes}`, "canonical", 8, false},
		"dots":                          {"prometheus", `prometheus: {endpoint: "a:1", translation_strategy: NoTranslation}`, "bare", 8, false},
		"remote write":                  {"prometheusremotewrite", `prometheusremotewrite: {endpoint: "http://a/api/v1/write"}`, "canonical", 0, false},
		"remote write without suffixes": {"prometheus_remote_write", `prometheus_remote_write: {endpoint: "http://a", add_metric_suffixes: false}`, "bare", 0, false},
		"OTLP to Prometheus":            {"otlp_http", `otlp_http: {endpoint: "http://a/api/v1/otlp"}`, "canonical", 0, false},
		"OTLP to VictoriaMetrics":       {"otlphttp", `otlphttp: {endpoint: "http://a/opentelemetry"}`, "canonical", 8, false},
		"OTLP to anyone":                {"otlp_http", `otlp_http: {endpoint: "http://a"}`, "all", 0, false},
	} {
		conf := resolve(t, baseConfiguration(t), pipelineTo(c.exporter, c.settings))
		namespace := (&document{conf: conf}).text("exporters", c.exporter, "namespace")
		passThrough(t, conf, asked(c.families), repair, addNames)
		document := &document{conf: conf}
		text := fmt.Sprint(document.get("processors", "transform/names_"+c.exporter))
		assert.Equal(t, c.copies, strings.Count(text, "copy_metric"), name)
		if c.moved {
			assert.Empty(t, document.text("exporters", c.exporter, "namespace"), name)
			assert.Contains(t, text, fmt.Sprintf(`set(metric.name, Concat([%q, metric.name], "_"))`, namespace), name)
		} else {
			assert.Equal(t, namespace, document.text("exporters", c.exporter, "namespace"), name)
		}
	}
}

// Scenario: add_metric_suffixes is false, which some releases of the stock collector honoured and others did not.
// Guarantee: names without suffixes show, and beside them those with suffixes and the exporter's namespace, each once; with
// automation off only the former.
func TestNamesInSpiteOfTheSuffixSetting(t *testing.T) {
	for settings, wanted := range map[string]string{
		`prometheus: {endpoint: "a:1", add_metric_suffixes: false}`:                    `copy_metric(name="claude_code_cost_usage_USD_total", unit="")`,
		`prometheus: {endpoint: "a:1", add_metric_suffixes: false, namespace: "team"}`: `copy_metric(name="claude_code_cost_usage_USD_total", unit="")`, // the exporter writes team_ before it
	} {
		conf := resolve(t, baseConfiguration(t), pipelineTo("prometheus", settings))
		passThrough(t, conf, nil, repair, addNames)
		text := fmt.Sprint((&document{conf: conf}).get("processors", "transform/names_prometheus"))
		assert.Contains(t, text, wanted)
		assert.Equal(t, 8, strings.Count(text, "copy_metric"))
		assert.NotContains(t, text, "convert_sum_to_gauge")
		assert.Empty(t, passThrough(t, conf, nil, repair, addNames), "once")

		conf = resolve(t, baseConfiguration(t), pipelineTo("prometheus", settings))
		passThrough(t, conf, map[string]string{autoVariable: "off"}, repair, addNames)
		assert.False(t, (&document{conf: conf}).has("processors", "transform/names_prometheus"))
	}
}

// Scenario: the pipeline feeds Prometheus alone, or Prometheus and others; names are added twice.
// Guarantee: the processor is the last before the exporter; what others get leaves the pipeline before it; a second pass
// changes nothing.
func TestNamesStandBeforeTheirExporterAlone(t *testing.T) {
	conf := resolve(t, baseConfiguration(t), `
processors: {batch: }
exporters: {prometheus/a: {endpoint: "a:1"}, prometheus/b: {endpoint: "a:2"}, prometheus/unused: {endpoint: "a:3"}}
service:
  pipelines:
    metrics: {processors: [batch], exporters: [prometheus/a]}
    metrics/mixed: {receivers: [otlp], processors: [batch], exporters: [nop, prometheus/a, prometheus/b]}
    logs: {receivers: [otlp], exporters: [nop]}
`)
	assert.Equal(t, []string{"names exporters::prometheus/a", "names exporters::prometheus/b"},
		passThrough(t, conf, asked("double"), addNames))
	document := &document{conf: conf}
	assert.Equal(t, []pipeline{
		{"logs", "logs", []string{"otlp"}, []string{}, []string{"nop"}},
		{"metrics", "metrics", []string{"otlp"}, []string{"batch", "transform/names_prometheus_a"}, []string{"prometheus/a"}},
		{"metrics/mixed", "metrics", []string{"otlp"}, []string{"batch"}, []string{"nop", "forward/names_prometheus_a", "forward/names_prometheus_b"}},
		{"metrics/names_prometheus_a", "metrics", []string{"forward/names_prometheus_a"}, []string{"transform/names_prometheus_a"}, []string{"prometheus/a"}},
		{"metrics/names_prometheus_b", "metrics", []string{"forward/names_prometheus_b"}, []string{"transform/names_prometheus_b"}, []string{"prometheus/b"}},
	}, document.pipelines())

	once := xconfmap.ToStringMapRaw(conf)
	assert.Empty(t, passThrough(t, conf, asked("double"), addNames))
	assert.Equal(t, once, xconfmap.ToStringMapRaw(conf))
}

// Scenario: a namespace that the translation would write otherwise within a name stands in the way.
// Guarantee: nothing changes, and the reason is given.
func TestNamesLeaveAnOddNamespace(t *testing.T) {
	for _, namespace := range []string{"my-team", "team__a", "_team", "grand_total", "tokens"} {
		conf := resolve(t, baseConfiguration(t), pipelineTo("prometheus", `prometheus: {endpoint: "a:1", namespace: "`+namespace+`"}`))
		before := xconfmap.ToStringMapRaw(conf)
		assert.Equal(t, []string{"names exporters::prometheus::namespace"}, passThrough(t, conf, asked("otel"), addNames))
		assert.Equal(t, before, xconfmap.ToStringMapRaw(conf), namespace)
	}
}
