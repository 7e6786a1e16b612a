// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"slices"
	"strings"
)

// claudeMetric is a metric of Claude Code and the word that Prometheus makes of its unit.
type claudeMetric struct {
	name string
	unit string
}

// claudeMetrics are all that the client documents (reference of 2026-08-22); counts have no unit.
var claudeMetrics = []claudeMetric{
	{"claude_code.session.count", ""},
	{"claude_code.lines_of_code.count", ""},
	{"claude_code.pull_request.count", ""},
	{"claude_code.commit.count", ""},
	{"claude_code.cost.usage", "USD"},
	{"claude_code.token.usage", "tokens"},
	{"claude_code.code_edit_tool.decision", ""},
	{"claude_code.active_time.total", "seconds"},
}

// canonical is the name that Prometheus' default translation gives: claude_code_cost_usage_USD_total.
func (m claudeMetric) canonical() string {
	return joined(m.stem(), m.unit, "total")
}

// bare is the name with underscores, and nothing added: claude_code_cost_usage.
func (m claudeMetric) bare() string {
	return strings.ReplaceAll(m.name, ".", "_")
}

// stem is the bare name without `total`, which is a suffix to Prometheus: claude_code_active_time.
func (m claudeMetric) stem() string {
	return strings.TrimSuffix(m.bare(), "_total")
}

func joined(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), "_")
}

// family is a set of names that dashboards and alerts in the field ask for. Where they come from: an exporter with or
// without `namespace`, Claude Code's own Prometheus page, stores that keep OTLP names, and texts that guessed.
type family struct {
	name  string
	names func(claudeMetric) []string
}

var families = []family{
	{"canonical", func(m claudeMetric) []string { return []string{m.canonical()} }},
	{"double", func(m claudeMetric) []string { return []string{"claude_code_" + m.canonical()} }},
	{"otel", func(m claudeMetric) []string { return []string{"otel_" + m.canonical()} }},
	{"without_units", func(m claudeMetric) []string {
		names := []string{joined(m.stem(), "total")}
		if m.name == "claude_code.active_time.total" {
			// No collector ever made these two, but dashboards ask for them.
			names = append(names, "claude_code_active_time_total_total", "claude_code_active_time_total_seconds")
		}
		return names
	}},
	{"bare", func(m claudeMetric) []string { return []string{m.bare()} }},
}

// suffixed is what an exporter with a namespace gives with units and `_total`.
func suffixed(namespace string) family {
	return family{"with_suffixes", func(m claudeMetric) []string { return []string{joined(namespace, m.canonical())} }}
}

// allFamilies asks for each of them.
const allFamilies = "all"

// families reads TOKEN_LEDGER_NAMES: names of families, separated by commas. Nothing: none.
func (e environment) families() ([]family, error) {
	value, _ := e.lookup(namesVariable)
	asked := map[string]bool{}
	for word := range strings.SplitSeq(value, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if word != allFamilies && !slices.ContainsFunc(families, func(f family) bool { return f.name == word }) {
			return nil, fmt.Errorf("%s has %q: use %s or %s, separated by commas, or leave it out for no further names",
				namesVariable, word, familyNames(families), allFamilies)
		}
		asked[word] = true
	}
	var wanted []family
	for _, f := range families {
		if asked[f.name] || asked[allFamilies] {
			wanted = append(wanted, f)
		}
	}
	return wanted, nil
}

func familyNames(families []family) string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// translation is how an exporter, or the server behind it, makes a name of a metric's name and unit.
type translation struct {
	namespace string
	suffixes  bool // unit and `_total` are added
	escaped   bool // dots become underscores
}

// given is the name under which a counter shows anyway.
func (t translation) given(m claudeMetric) string {
	name := m.name
	switch {
	case t.suffixes && t.escaped:
		name = m.canonical()
	case t.suffixes:
		// Only suffixes are added, and `total` at the end of a name is one (otlptranslator v1.0.0, buildMetricName).
		name = joined(strings.TrimSuffix(m.name, ".total"), m.unit, "total")
	case t.escaped:
		name = m.bare()
	}
	return joined(t.namespace, name)
}

// shape is how a metric has to look so that it shows under a name.
type shape struct {
	name  string // of the metric, before the exporter translates it
	gauge bool   // whether it must not be a counter, to which `_total` would be added
}

// copyFor finds how a metric without a unit shows under a name; false if the namespace is in the way. Where suffixes are
// added, a name without `_total` at its end can be that of a gauge only, and so can one with two of them, of which the
// translation would take one away.
func (t translation) copyFor(name string) (shape, bool) {
	if t.namespace != "" {
		rest, within := strings.CutPrefix(name, t.namespace+"_")
		if !within {
			return shape{}, false
		}
		name = rest
	}
	if !t.suffixes {
		return shape{name: name}, true
	}
	stem, counter := strings.CutSuffix(name, "_total")
	if !counter || slices.Contains(strings.Split(stem, "_"), "total") {
		return shape{name: name, gauge: true}, true
	}
	return shape{name: stem}, true
}
