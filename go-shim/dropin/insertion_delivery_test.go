// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// Scenario: exporters that are not declared, or whose settings are of the wrong kind in places where some would be set.
// Guarantee: they stay as they are, so that the collector can say what is wrong with them, and nothing is said here.
func TestDeliveryLeavesWhatIsWrong(t *testing.T) {
	for name, exporters := range map[string]string{
		"undeclared":     `{nop: null}`,
		"no number":      `{otlphttp: {endpoint: "http://p/api/v1/otlp", sending_queue: {num_consumers: "5"}, retry_on_failure: {max_elapsed_time: 0s}}}`,
		"list":           `{prometheusremotewrite: [x]}`,
		"text":           `{prometheusremotewrite: x}`,
		"text as queue":  `{prometheusremotewrite: {endpoint: "http://p/api/v1/write", remote_write_queue: x}}`,
		"list as queue":  `{prometheusremotewrite: {endpoint: "http://p/api/v1/write", sending_queue: [x]}}`,
		"number as rule": `{prometheusremotewrite: {endpoint: "http://p/api/v1/write", retry_on_failure: 7}}`,
		"no duration":    `{prometheusremotewrite: {endpoint: "http://p/api/v1/write", timeout: soon, retry_on_failure: {max_elapsed_time: [1]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			id := "prometheusremotewrite"
			if strings.Contains(exporters, "otlphttp") {
				id = "otlphttp"
			}
			input := pushing(t, id, exporters)
			output, report, err := runSteps(t, input, surroundingsOf(fixture{}), insert)
			require.NoError(t, err)
			assert.Equal(t, asYAML(t, input["exporters"]), asYAML(t, output["exporters"]))
			for _, entry := range report.entries {
				assert.NotEqual(t, deliveryRule, entry.rule, entry.text)
			}
		})
	}
}

// Scenario: each name that the collector knows an exporter by, with no setting but its address or with empty parts.
// Guarantee: each gets what its kind gets, and keeps what it had.
func TestDeliveryOfEachName(t *testing.T) {
	overOTLP := `{endpoint: "http://p/api/v1/otlp", sending_queue: {num_consumers: 1}, retry_on_failure: {max_elapsed_time: 0s}}`
	byRemoteWrite := `{endpoint: "http://p/api/v1/write", timeout: 5m}`
	for _, c := range []struct{ id, settings, want string }{
		{"otlphttp", `{endpoint: "http://p/api/v1/otlp"}`, overOTLP},
		{"otlp_http/a", `{endpoint: "http://p/api/v1/otlp", sending_queue: null, retry_on_failure: {max_elapsed_time: null}}`, overOTLP},
		{"otlp_http", `{endpoint: "http://p/api/v1/otlp", sending_queue: {num_consumers: 20}, retry_on_failure: null}`, overOTLP},
		{"prometheusremotewrite/a", `{endpoint: "http://p/api/v1/write"}`, byRemoteWrite},
		{"prometheus_remote_write", `{endpoint: "http://p/api/v1/write", timeout: null}`, byRemoteWrite},
		{"prometheus_remote_write/bare", `null`, `{timeout: 5m}`},
	} {
		t.Run(c.id, func(t *testing.T) {
			output, _, err := runSteps(t, pushing(t, c.id, "{"+c.id+": "+c.settings+"}"), surroundingsOf(fixture{}), insert)
			require.NoError(t, err)
			var want map[string]any
			require.NoError(t, yaml.Unmarshal([]byte("{"+c.id+": "+c.want+"}"), &want))
			assert.Equal(t, asYAML(t, want), asYAML(t, output["exporters"]))
		})
	}
}

// Scenario: two pipelines with the same data push to one exporter, so that each has a token_ledger (I8).
// Guarantee: the exporter has one line.
func TestDeliveryIsSaidOnce(t *testing.T) {
	g := graphOf(t, `{receivers: {otlp: null}, processors: {filter: null}, exporters: {prometheusremotewrite: {timeout: 30s}}, service: {pipelines: {
		metrics/a: {receivers: [otlp], exporters: [prometheusremotewrite]}, metrics/b: {receivers: [otlp], exporters: [prometheusremotewrite]}}}}`)
	output, report, err := runSteps(t, g.document.conf.ToStringMap(), surroundingsOf(fixture{}), insert)
	require.NoError(t, err)
	processors, _ := output["processors"].(map[string]any)
	assert.Len(t, processors, 3, "filter and two of token_ledger")
	lines := 0
	for _, entry := range report.entries {
		if entry.rule == deliveryRule {
			lines++
		}
	}
	assert.Equal(t, 1, lines)
}

// pushing is a configuration that pushes to one exporter.
func pushing(t *testing.T, id, exporters string) map[string]any {
	t.Helper()
	text := "{receivers: {otlp: null}, exporters: " + exporters + ", service: {pipelines: {metrics: {receivers: [otlp], exporters: [" + id + "]}}}}"
	return graphOf(t, text).document.conf.ToStringMap()
}
