// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"reflect"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// malformed are documents that no collector takes, each with something else where a section, a list or a name belongs.
var malformed = []string{
	"exporters:\nservice:",
	"exporters: [logging]\nprocessors: 7\nextensions: text\nservice: {pipelines: [metrics], extensions: {a: b}}",
	"exporters: {7: {}, true: {}, logging: [a], 'logging/': 3, '/': {}, '': {}}",
	"exporters: {otlp: {batcher: [1]}, prometheus: {add_metric_suffixes: maybe, resource_constant_labels: 3}}",
	"processors: {resource: {attributes: {key: a}}, attributes: {actions: [3, null, [x], {action: 7}, {action: upsert}]}}",
	"service: {pipelines: {metrics: null, logs: {exporters: logging, receivers: {a: b}}, profiles: }}",
	"service: {telemetry: {metrics: {address: [a]}}}",
	"service: {telemetry: {metrics: 3}, pipelines: {metrics: {receivers: [1, null, {}]}}}",
	"service: {telemetry: [x]}",
	"receivers: {otlp: {protocols: [http]}, otlp/b: {protocols: {http: {keepalive: yes, cors: 3}}}}",
	"extensions: {health_check: {http: [a], grpc: }, memory_ballast: 3, zpages: {endpoint: 7}}",
	"exporters: {'a::b': {c: d}, 'logging/x::y': {loglevel: debug}}",
	"exporters: {prometheus: {const_labels: [a], namespace: {a: b}, endpoint: [x]}}",
	"exporters: {debug: {verbosity: [detailed]}, otlp_http: {headers: 3, endpoint: {a: b}}}",
}

// Scenario: documents with anything anywhere.
// Guarantee: nothing panics, and the repairs made once are the repairs made twice.
func FuzzConfigurations(f *testing.F) {
	for _, document := range malformed {
		f.Add(document)
	}
	for _, cases := range ruleCases(f, "repairs") {
		for _, c := range cases {
			f.Add(baseConfiguration(f) + c.Input)
		}
	}
	f.Fuzz(func(t *testing.T, content string) {
		if len(content) > 1<<14 || strings.Contains(content, "${") {
			return // variables are the resolver's work, and would make runs differ
		}
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(content))
		if err != nil {
			return
		}
		conf, err := retrieved.AsConf()
		if err != nil {
			return
		}
		convert(t, conf, repair)
		once := xconfmap.ToStringMapRaw(conf)
		convert(t, conf, repair)
		// A key with the delimiter of paths in it reads differently from one time to the next (koanf's Unflatten).
		if twice := xconfmap.ToStringMapRaw(conf); !strings.Contains(content, confmap.KeyDelimiter) && !reflect.DeepEqual(once, twice) {
			t.Fatalf("a second pass changes\n%v\nto\n%v", once, twice)
		}
		convert(t, conf, steps...)
	})
}

// convert runs steps as far as they go: errors are as good as results here.
func convert(tb testing.TB, conf *confmap.Conf, steps ...step) {
	tb.Helper()
	document, report := &document{conf: conf}, &report{}
	for _, variables := range []map[string]string{nil, {hostVariable: "0.0.0.0", namesVariable: "all", autoVariable: "full"}} {
		for _, step := range steps {
			if err := step(document, fixedEnvironment(variables), report); err != nil {
				break
			}
		}
	}
}
