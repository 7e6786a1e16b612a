// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ruleNames is the rule of what is added on request.
const ruleNames = "names"

// addNames adds the families of metric names that TOKEN_LEDGER_NAMES asks for, so that dashboards made for other
// collectors work unchanged beside those that are there. Directly before each exporter to Prometheus a `transform`
// processor copies the metrics of Claude Code under each further name; what other exporters get does not change.
//
// A copy that cannot be a counter under its name is a gauge with the same total. Where the exporter's `namespace` would
// stand before a name, the namespace moves from the exporter into the names of all metrics, which show as before.
func addNames(document *document, environment environment, report *report) error {
	asked, err := environment.families()
	if err != nil {
		return err
	}
	mode, err := environment.automation()
	if err != nil {
		return err
	}
	for _, id := range document.components("exporters") {
		translation, ok := document.translation(id)
		if !ok || !document.takesMetrics(id) || document.has("processors", namesProcessor(id)) {
			continue
		}
		wanted, reason := asked, namesVariable+" asks for: leave the variable out"
		if mode != automationOff && report.has(ruleMetricSuffixes, suffixesPath(id)) {
			// Where the setting came from, some collectors honoured it and others did not (repairSuffixes).
			wanted = append(slices.Clone(asked), suffixed(translation.namespace))
			reason = "collectors since v0.132 give in spite of add_metric_suffixes: write translation_strategy"
		}
		if len(wanted) == 0 {
			continue
		}
		if err := document.addNamesBefore(id, translation, wanted, reason, report); err != nil {
			return err
		}
	}
	return nil
}

// takesMetrics tells whether a metrics pipeline feeds an exporter.
func (d *document) takesMetrics(exporter string) bool {
	return slices.ContainsFunc(d.pipelines(), func(p pipeline) bool {
		return p.signal == "metrics" && slices.ContainsFunc(p.exporters, func(id string) bool { return sameID(id, exporter) })
	})
}

// addNamesBefore adds families before one exporter.
func (d *document) addNamesBefore(id string, translation translation, wanted []family, reason string, report *report) error {
	path := []string{"exporters", id}
	names := missingNames(translation, wanted)
	if len(names) == 0 {
		report.inform(ruleNames, path, "all names that %s asks for are there already", namesVariable)
		return nil
	}
	outer := ""
	if slices.ContainsFunc(names, func(n missingName) bool { _, ok := translation.copyFor(n.name); return !ok }) {
		if !movable(translation.namespace) {
			report.warn(ruleNames, append(path, "namespace"),
				"no names are added, since the namespace %q cannot be written into metrics' names unchanged: use letters and digits "+
					"joined by single underscores", translation.namespace)
			return nil
		}
		outer, translation.namespace = translation.namespace, ""
		d.remove(append(path, "namespace")...)
	}
	if err := d.set(namesSettings(translation, outer, names), "processors", namesProcessor(id)); err != nil {
		return err
	}
	if err := d.putBefore(id, namesProcessor(id), namesLabel(id)); err != nil {
		return err
	}
	report.inform(ruleNames, path,
		"Claude Code's metrics show under %d further names (%s), which %s to have none", len(names), familyNames(wanted), reason)
	return nil
}

func namesProcessor(exporter string) string {
	return joinID("transform", namesLabel(exporter))
}

// namesLabel is the part that is common to the names of what is put before an exporter.
func namesLabel(exporter string) string {
	return joined("names", strings.ReplaceAll(exporter, "/", "_"))
}

// missingName is a name to add, and the metric that shows under it.
type missingName struct {
	metric claudeMetric
	name   string
}

// missingNames lists the names of families that do not show anyway, each once.
func missingNames(translation translation, wanted []family) []missingName {
	seen := map[string]bool{}
	for _, metric := range claudeMetrics {
		seen[translation.given(metric)] = true
	}
	var missing []missingName
	for _, family := range wanted {
		for _, metric := range claudeMetrics {
			for _, name := range family.names(metric) {
				if !seen[name] {
					seen[name] = true
					missing = append(missing, missingName{metric, name})
				}
			}
		}
	}
	return missing
}

// plainNamespace is what the translation of names leaves as it is; words that it treats as suffixes are not.
var (
	plainNamespace = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*(_[a-zA-Z0-9]+)*$`)
	suffixWord     = regexp.MustCompile(`(^|_)(total|ratio|USD|tokens|seconds)(_|$)`)
)

// movable tells whether metrics show unchanged if a namespace is part of their names instead.
func movable(namespace string) bool {
	return plainNamespace.MatchString(namespace) && !suffixWord.MatchString(namespace)
}

// namesSettings are those of the transform processor, in steps of which none must meet what a later one makes: all
// metrics get the namespace that the exporter gave them; gauges are copied, then made gauges; counters are copied, which
// can have the names of gauges (claude_code_cost_usage shows with `_total` as a counter, and without as a gauge).
func namesSettings(translation translation, namespace string, names []missingName) map[string]any {
	var prefixed, gauges, converted, counters []any
	prefix := ""
	if namespace != "" {
		prefix = namespace + "_"
		prefixed = append(prefixed, fmt.Sprintf(`set(metric.name, Concat([%q, metric.name], "_"))`, namespace))
	}
	for _, missing := range names {
		to, _ := translation.copyFor(missing.name)
		copying := fmt.Sprintf(`copy_metric(name=%q, unit="") where metric.name == %q`, to.name, prefix+missing.metric.name)
		if !to.gauge {
			counters = append(counters, copying)
			continue
		}
		gauges = append(gauges, copying)
		converted = append(converted, fmt.Sprintf(`convert_sum_to_gauge() where metric.name == %q`, to.name))
	}
	groups := []any{}
	for _, list := range [][]any{prefixed, gauges, converted, counters} {
		if len(list) > 0 {
			groups = append(groups, map[string]any{"context": "metric", "statements": list})
		}
	}
	return map[string]any{"error_mode": "ignore", "metric_statements": groups}
}

// putBefore makes a processor the last that metrics pass before an exporter. Pipelines that feed other exporters too keep
// what those get: the way to the exporter leaves them through a forward connector into a pipeline of its own.
func (d *document) putBefore(exporter, processor, name string) error {
	forward, branch := joinID("forward", name), joinID("metrics", name)
	forked := false
	for _, pipeline := range d.pipelines() {
		is := func(id string) bool { return sameID(id, exporter) }
		if pipeline.signal != "metrics" || !slices.ContainsFunc(pipeline.exporters, is) {
			continue
		}
		path := []string{"service", "pipelines", pipeline.id}
		if len(pipeline.exporters) == 1 {
			if err := d.setNames(append(pipeline.processors, processor), append(path, "processors")...); err != nil {
				return err
			}
			continue
		}
		forked = true
		exporters := slices.Clone(pipeline.exporters)
		for i, id := range exporters {
			if is(id) {
				exporters[i] = forward
			}
		}
		if err := d.setNames(exporters, append(path, "exporters")...); err != nil {
			return err
		}
	}
	if !forked {
		return nil
	}
	if err := d.set(nil, "connectors", forward); err != nil {
		return err
	}
	return d.set(map[string]any{
		"receivers": []any{forward}, "processors": []any{processor}, "exporters": []any{exporter},
	}, "service", "pipelines", branch)
}

// translation reads how an exporter to Prometheus names metrics; false for any other exporter.
func (d *document) translation(id string) (translation, bool) {
	setting := func(path ...string) any { return d.get(append([]string{"exporters", id}, path...)...) }
	t := translation{suffixes: true, escaped: true}
	switch kind, _ := splitID(id); kind {
	case "prometheus":
	case "prometheus_remote_write", "prometheusremotewrite":
		// Unlike `prometheus` it honours this (v0.158.0).
		if added, written := setting("add_metric_suffixes").(bool); written {
			t.suffixes = added
		}
	case "otlp_http", "otlphttp":
		server, _, ok := prometheusServer(setting)
		// By default VictoriaMetrics keeps names as they come; the others translate as Prometheus does.
		return translation{suffixes: server != "VictoriaMetrics", escaped: server != "VictoriaMetrics"}, ok
	default:
		return translation{}, false
	}
	t.namespace = d.text("exporters", id, "namespace")
	switch d.text("exporters", id, "translation_strategy") {
	case "UnderscoreEscapingWithSuffixes":
		t.suffixes = true
	case withoutSuffixes:
		t.suffixes = false
	case "NoUTF8EscapingWithSuffixes":
		t.suffixes, t.escaped = true, false
	case "NoTranslation":
		t.suffixes, t.escaped = false, false
	}
	return t, true
}
