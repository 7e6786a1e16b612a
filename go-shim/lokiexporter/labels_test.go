// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Scenario: records with and without hints, of resources with and without the attributes that default labels are made of.
// Guarantee: streams have the labels of the removed exporter, and the line has what no label says.
func TestLabels(t *testing.T) {
	service := map[string]any{"service.name": "claude-code", "service.namespace": "dev", "service.instance.id": "i-1", "team.id": "platform"}
	const resources = `,"resources":{"service.instance.id":"i-1","service.name":"claude-code","service.namespace":"dev","team.id":"platform"}}`
	for name, c := range map[string]struct {
		defaults         DefaultLabelsConfig
		resource, record map[string]any
		severity         plog.SeverityNumber
		labels, line     string
	}{
		"defaults": {
			defaults: allLabels, resource: service, severity: plog.SeverityNumberInfo,
			labels: `{exporter="OTLP", instance="i-1", job="dev/claude-code", level="INFO"}`,
			line:   `{"body":"record a"` + resources,
		},
		"no namespace": {
			defaults: allLabels, resource: map[string]any{"service.name": "claude-code"},
			labels: `{exporter="OTLP", job="claude-code"}`, line: `{"body":"record a","resources":{"service.name":"claude-code"}}`,
		},
		"a namespace is no job": {
			defaults: allLabels, resource: map[string]any{"service.namespace": "dev"},
			labels: `{exporter="OTLP"}`, line: `{"body":"record a","resources":{"service.namespace":"dev"}}`,
		},
		"as in the field": {
			defaults: DefaultLabelsConfig{Job: true, Instance: true, Level: true}, resource: map[string]any{"service.name": "claude-code"},
			labels: `{job="claude-code"}`, line: `{"body":"record a","resources":{"service.name":"claude-code"}}`,
		},
		"nothing left": {
			defaults: DefaultLabelsConfig{}, resource: service, severity: plog.SeverityNumberInfo,
			labels: `{exporter="OTLP"}`, line: `{"body":"record a"` + resources,
		},
		"empty values are no labels": {
			defaults: DefaultLabelsConfig{Job: true}, resource: map[string]any{"service.name": ""},
			record: map[string]any{"loki.attribute.labels": "tool", "tool": ""},
			labels: `{exporter="OTLP"}`, line: `{"body":"record a","attributes":{"tool":""},"resources":{"service.name":""}}`,
		},
		"hints": {
			defaults: DefaultLabelsConfig{Job: true},
			resource: map[string]any{"service.name": "claude-code", "loki.resource.labels": "team.id, region", "team.id": "platform", "os.type": "linux"},
			record:   map[string]any{"loki.attribute.labels": "event.name,missing ,tool_name", "event.name": "tool_result", "tool_name": "Bash", "success": true},
			labels:   `{event_name="tool_result", job="claude-code", team_id="platform", tool_name="Bash"}`,
			line:     `{"body":"record a","attributes":{"success":true},"resources":{"os.type":"linux","service.name":"claude-code"}}`,
		},
		"hints as lists, of the record for the resource": {
			defaults: DefaultLabelsConfig{}, resource: map[string]any{"host.name": "h", "n": 7},
			record: map[string]any{"loki.resource.labels": []any{"host.name", "n"}, "loki.attribute.labels": []any{"code", "ok"}, "code": 200, "ok": true},
			labels: `{code="200", host_name="h", n="7", ok="true"}`, line: `{"body":"record a"}`,
		},
		"nested attributes": {
			defaults: DefaultLabelsConfig{}, record: map[string]any{
				"loki.attribute.labels": "http.request.method, http.code",
				"http":                  map[string]any{"request": map[string]any{"method": "GET"}, "code": 200},
			},
			labels: `{http_code="200", http_request_method="GET"}`,
			line:   `{"body":"record a","attributes":{"http":{"code":200,"request":{"method":"GET"}}}}`,
		},
		"the record's attribute wins, the resource's stays in the line": {
			defaults: DefaultLabelsConfig{}, resource: map[string]any{"loki.resource.labels": "host.name", "host.name": "of resource"},
			record: map[string]any{"loki.attribute.labels": "host.name", "host.name": "of record"},
			labels: `{host_name="of record"}`, line: `{"body":"record a","resources":{"host.name":"of resource"}}`,
		},
		"an attribute named like a default label stays": {
			defaults: DefaultLabelsConfig{Job: true}, resource: map[string]any{"service.name": "claude-code", "job": "mine"}, record: map[string]any{"job": "its own"},
			labels: `{job="claude-code"}`,
			line:   `{"body":"record a","attributes":{"job":"its own"},"resources":{"job":"mine","service.name":"claude-code"}}`,
		},
		"two names become one: the later wins, the other stays": {
			defaults: DefaultLabelsConfig{}, record: map[string]any{"loki.attribute.labels": "a.b,a_b", "a.b": "1", "a_b": "2"},
			labels: `{a_b="2"}`, line: `{"body":"record a","attributes":{"a.b":"1"}}`,
		},
		"the level is the severity's name": {
			defaults: DefaultLabelsConfig{Level: true}, severity: plog.SeverityNumberWarn3,
			labels: `{level="WARN3"}`, line: `{"body":"record a"}`,
		},
		"the level is the attribute, if there is a severity": {
			defaults: DefaultLabelsConfig{Level: true}, severity: plog.SeverityNumberWarn3, record: map[string]any{"level": "bad"},
			labels: `{level="bad"}`, line: `{"body":"record a"}`,
		},
		"no severity, no level": {
			defaults: DefaultLabelsConfig{Level: true, Exporter: true}, record: map[string]any{"level": "bad"},
			labels: `{exporter="OTLP"}`, line: `{"body":"record a","attributes":{"level":"bad"}}`,
		},
		"level is off": {
			defaults: DefaultLabelsConfig{Exporter: true}, severity: plog.SeverityNumberWarn3, record: map[string]any{"level": "bad"},
			labels: `{exporter="OTLP"}`, line: `{"body":"record a","attributes":{"level":"bad"}}`,
		},
		"no such severity": {
			defaults: DefaultLabelsConfig{Level: true}, severity: plog.SeverityNumber(99),
			labels: `{exporter="OTLP"}`, line: `{"body":"record a"}`,
		},
		"values are quoted": {
			defaults: DefaultLabelsConfig{}, record: map[string]any{"loki.attribute.labels": "a,b", "a": "say \"hi\"\n\\", "b": "\xff\u00e9"},
			labels: `{a="say \"hi\"\n\\", b="\ufffd` + "\u00e9" + `"}`, line: `{"body":"record a"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ld := logsOf(t, c.resource, c.record)
			ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetSeverityNumber(c.severity)
			streams := sent(t, c.defaults, ld)
			require.Len(t, streams, 1)
			assert.Equal(t, c.labels, streams[0].Text)
			assert.Equal(t, []string{c.line}, lines(streams))
		})
	}
}

// Scenario: attributes of all kinds of names are to be labels.
// Guarantee: they get names that Loki takes, as the removed exporter made them, and letters it did not change become _.
func TestLabelNames(t *testing.T) {
	for attribute, name := range map[string]string{
		"event.name": "event_name", "a-b/c d": "a_b_c_d", "CamelCase9": "CamelCase9", "": "",
		"9lives": "key_9lives", "_private": "key_private", "__reserved": "__reserved", "_": "key_", ".x": "key_x",
		"caf\u00e9": "caf_", "\u540d\u524d": "__", "a\xffb": "a_b",
	} {
		assert.Equal(t, name, labelName(attribute), attribute)
	}
}
