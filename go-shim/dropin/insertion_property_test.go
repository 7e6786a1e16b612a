// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parts are what random configurations are made of.
var parts = map[string]any{
	"receivers": map[string]any{"otlp": nil, "otlp/b": nil, "kafka": nil, "prometheus": nil},
	"processors": map[string]any{
		"batch": nil, "batch/large": map[string]any{"timeout": "10s"}, "batch/tenants": map[string]any{"metadata_keys": []any{"x-tenant"}},
		"memory_limiter": nil, "filter": nil, "interval": nil, "unknown": nil,
		"resource":                map[string]any{"attributes": []any{map[string]any{"key": "team", "value": "x", "action": "upsert"}}},
		"attributes":              map[string]any{"actions": []any{map[string]any{"key": "session.id", "action": "delete"}}},
		"transform/convert":       map[string]any{"metric_statements": []any{"convert_sum_to_gauge()"}},
		"delta_to_cumulative":     map[string]any{"max_streams": 500},
		"deltatocumulative/other": nil,
		"token_ledger/own":        map[string]any{"identity": "prometheus"},
	},
	"exporters": map[string]any{
		"prometheus":            nil,
		"prometheus/wide":       map[string]any{"resource_to_telemetry_conversion": map[string]any{"enabled": true}, "const_labels": map[string]any{"source": "x"}},
		"prometheus/3":          map[string]any{"const_labels": map[string]any{"source": "y"}},
		"prometheusremotewrite": nil, "otlp_http/prometheus": map[string]any{"endpoint": "http://p:9090/api/v1/otlp"},
		"otlp_http/vendor": map[string]any{"endpoint": "https://vendor.example"}, "otlp_grpc": nil, "kafka": nil, "debug": nil, "file": nil,
	},
	"connectors": map[string]any{"forward/u": nil, "forward/v": nil, "routing": nil, "count": nil},
}

// pick chooses up to most names of a section, at least least, each at most once.
func pick(random *rand.Rand, section string, least, most int) []any {
	names := slices.Sorted(maps.Keys(parts[section].(map[string]any)))
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var picked []any
	for _, name := range names[:least+random.IntN(most-least+1)] {
		picked = append(picked, name)
	}
	return picked
}

// randomConfiguration makes up to four pipelines in which data flows through connectors from earlier to later ones.
func randomConfiguration(random *rand.Rand) map[string]any {
	configuration := maps.Clone(parts)
	pipelines := map[string]any{}
	ids := []string{"metrics", "metrics/a", "metrics/b/C.d", "metrics/token_ledger"}[:1+random.IntN(4)]
	connectors := []string{"forward/u", "forward/v", "routing", "count"}
	receivers, exporters := make([][]any, len(ids)), make([][]any, len(ids))
	for i := range ids {
		receivers[i], exporters[i] = pick(random, "receivers", 1, 2), pick(random, "exporters", 1, 3)
	}
	for i := 0; i+1 < len(ids) && random.IntN(2) == 0; i++ {
		connector := connectors[i]
		exporters[i] = append(exporters[i], connector)
		receivers[i+1] = append(receivers[i+1], connector)
		if random.IntN(2) == 0 {
			receivers[i+1] = []any{connector}
		}
		if random.IntN(3) == 0 {
			exporters[i] = []any{connector}
		}
	}
	for i, id := range ids {
		processors := pick(random, "processors", 0, 4)
		if random.IntN(3) > 0 {
			processors = slices.DeleteFunc(processors, func(id any) bool { return id == "token_ledger/own" })
		}
		pipelines[id] = map[string]any{"receivers": receivers[i], "processors": processors, "exporters": exporters[i]}
	}
	configuration["service"] = map[string]any{"pipelines": pipelines}
	return configuration
}

// way is how data gets from a receiver to an exporter.
type way struct {
	receiver   string
	processors []string
	exporter   string
}

// ways lists all of them, through connectors that pass metrics on. It fails if connectors make a circle.
func ways(t *testing.T, configuration map[string]any) []way {
	t.Helper()
	pipelines := configuration["service"].(map[string]any)["pipelines"].(map[string]any)
	list := func(id, key string) []string {
		var names []string
		entries, _ := pipelines[id].(map[string]any)[key].([]any)
		for _, name := range entries {
			names = append(names, name.(string))
		}
		return names
	}
	var found []way
	var follow func(id, receiver string, processors []string, depth int)
	follow = func(id, receiver string, processors []string, depth int) {
		require.Less(t, depth, 20, "connectors make a circle")
		processors = append(slices.Clone(processors), list(id, "processors")...)
		for _, exporter := range list(id, "exporters") {
			if kind := componentType(exporter); kind != "forward" && kind != "routing" {
				found = append(found, way{receiver, processors, exporter})
				continue
			}
			for other := range pipelines {
				if slices.Contains(list(other, "receivers"), exporter) {
					follow(other, receiver, processors, depth+1)
				}
			}
		}
	}
	for id := range pipelines {
		for _, receiver := range list(id, "receivers") {
			if kind := componentType(receiver); kind != "forward" && kind != "routing" {
				follow(id, receiver, nil, 0)
			}
		}
	}
	return found
}

// described lists ways to exporters of a kind as text, sorted, without the processors for which gone is true.
func described(all []way, wanted func(exporter string) bool, gone func(processor string) bool) []string {
	var texts []string
	for _, w := range all {
		if wanted(w.exporter) {
			texts = append(texts, fmt.Sprint(w.receiver, without(w.processors, gone), w.exporter))
		}
	}
	slices.Sort(texts)
	return texts
}

// kindOf sorts the exporters of parts.
func kindOf(exporter string) kind {
	switch exporter {
	case "debug", "file":
		return neutral
	case "prometheusremotewrite", "otlp_http/prometheus":
		return push
	}
	if componentType(exporter) == "prometheus" {
		return pull
	}
	return foreign
}

// Scenario: random configurations of known parts: pipelines that share receivers and exporters, forwards, routing, converters,
// scraped data, token_ledgers of the user's own.
// Guarantee: whoever is not Prometheus gets its data through exactly the processors that were written, in their order.
// Everybody gets as many copies as before. Data that Prometheus gets has been through exactly one token_ledger, the last
// of its processors but for prometheus_labels before a page and a batch before what is pushed, unless all of it was scraped or a
// warning says that nothing was put in. No batch stands before a token_ledger that was put in unless a warning says so, and there is no
// such warning without a reason. If an exporter has several that were put in, all get data of the same receivers. The result is a graph that the collector takes, and a second run
// leaves it alone.
func TestInsertionProperties(t *testing.T) {
	environment := surroundingsOf(fixture{})
	inserted, left := 0, 0
	for seed := range uint64(200) {
		input := randomConfiguration(rand.New(rand.NewPCG(seed, 7)))
		output, report, err := runSteps(t, input, environment, insert, settleLabels)
		require.NoError(t, err)
		description := lazily(func() string {
			return fmt.Sprintf("seed %d\n%s\n%s", seed, asYAML(t, input["service"]), asYAML(t, output["service"]))
		})

		before, after := ways(t, copied(t, input)), ways(t, output)
		isForeign := func(exporter string) bool { return kindOf(exporter) == foreign }
		require.Equal(t, described(before, isForeign, nothing), described(after, isForeign, nothing), description)
		require.Equal(t, described(before, everything, ours), described(after, everything, ours), description)
		inserted += checkPrometheus(t, after, report, description)
		left += checkBatches(t, before, after, connected(input), report, description)
		checkLabels(t, after, output, description)
		checkGraph(t, output, description)

		again, second, err := runSteps(t, output, environment, insert, settleLabels)
		require.NoError(t, err)
		require.Equal(t, asYAML(t, output), asYAML(t, again), description)
		for _, entry := range second.entries {
			require.True(t, entry.warning, "%v %v", entry, description)
		}
	}
	assert.Greater(t, inserted, 200, "the configurations exercise too little")
	assert.Greater(t, left, 50, "the configurations exercise batches too little")
}

// lazily makes text when a test fails.
type lazily func() string

func (l lazily) String() string { return l() }

func nothing(string) bool    { return false }
func everything(string) bool { return true }

// ours are processors that may come or go on the way to Prometheus, and to what stands beside it.
func ours(id string) bool {
	return isConverter(id) || id != "token_ledger/own" && componentType(id) == ledgerType || componentType(id) == labelsType ||
		isBatch(id) && id != "batch/tenants"
}

// checkPrometheus counts the ways that have a token_ledger that was put in.
func checkPrometheus(t *testing.T, after []way, report *report, description fmt.Stringer) int {
	t.Helper()
	mixed := slices.ContainsFunc(report.entries, func(entry entry) bool { return entry.rule == "token-ledger-mixed" })
	inserted, ledgersOf := 0, map[string]map[string][]string{}
	for _, w := range after {
		if kindOf(w.exporter) != pull && kindOf(w.exporter) != push {
			continue
		}
		processors := without(w.processors, func(id string) bool { return componentType(id) == labelsType })
		var ledgers []string
		for _, id := range processors {
			if componentType(id) == ledgerType {
				ledgers = append(ledgers, id)
			}
		}
		if w.receiver == "prometheus" && len(ledgers) == 0 || mixed && len(ledgers) == 0 {
			continue
		}
		if slices.Contains(ledgers, "token_ledger/own") {
			require.Empty(t, without(ledgers, func(id string) bool { return id == "token_ledger/own" }), description)
			continue
		}
		require.Len(t, ledgers, 1, "%v %v", w, description)
		if kindOf(w.exporter) == push && isBatch(processors[len(processors)-1]) {
			processors = processors[:len(processors)-1]
		}
		require.Equal(t, ledgers[0], processors[len(processors)-1], "%v %v", w, description)
		if ledgersOf[w.exporter] == nil {
			ledgersOf[w.exporter] = map[string][]string{}
		}
		ledgersOf[w.exporter][ledgers[0]] = append(ledgersOf[w.exporter][ledgers[0]], w.receiver)
		inserted++
	}
	for _, ledgers := range ledgersOf {
		var common []string
		for _, receivers := range ledgers {
			slices.Sort(receivers)
			receivers = slices.Compact(receivers)
			require.True(t, common == nil || slices.Equal(common, receivers), "%v %v", ledgers, description)
			common = receivers
		}
	}
	return inserted
}

// checkBatches compares batches with warnings about them (W1 to W5), and counts the ways
// to Prometheus exporters on which none stands before a token_ledger.
func checkBatches(t *testing.T, before, after []way, forwarded bool, report *report, description fmt.Stringer) int {
	t.Helper()
	warned := map[string]bool{}
	for _, entry := range report.entries {
		if entry.rule == batchRule && entry.warning {
			warned[strings.Fields(entry.text)[0]] = true
		}
	}
	standing, free := map[string]bool{}, 0
	for _, w := range after {
		ledger := slices.IndexFunc(w.processors, func(id string) bool { return id != "token_ledger/own" && componentType(id) == ledgerType })
		if ledger < 0 || slices.Contains(w.processors, "token_ledger/own") {
			continue
		}
		for _, id := range w.processors[:ledger] {
			if isBatch(id) {
				standing[id] = true
				require.True(t, warned[id], "%v %v", w, description)
			}
		}
		if kind := kindOf(w.exporter); kind == pull || kind == push {
			behind := slices.IndexFunc(w.processors[ledger:], isBatch)
			require.True(t, behind < 0 || kind == push && behind == 1, "%v %v", w, description)
			free++
		}
	}
	for id := range warned {
		require.True(t, standing[id], "%s is warned of for nothing %v", id, description)
		require.True(t, slices.ContainsFunc(before, func(w way) bool {
			at := slices.Index(w.processors, id)
			return at >= 0 && (id == "batch/tenants" || forwarded || slices.ContainsFunc(w.processors[at:], mayObstruct))
		}), "%s is warned of without a reason %v", id, description)
	}
	return free
}

// connected tells whether a pipeline hands its data to another one.
func connected(configuration map[string]any) bool {
	connectors := configuration["connectors"].(map[string]any)
	for _, pipeline := range configuration["service"].(map[string]any)["pipelines"].(map[string]any) {
		for _, id := range pipeline.(map[string]any)["exporters"].([]any) {
			if _, ok := connectors[id.(string)]; ok {
				return true
			}
		}
	}
	return false
}

// mayObstruct names the parts that a batch may not move past, and a converter, which stays before transform/convert.
func mayObstruct(id string) bool {
	return id == "unknown" || id == "batch/tenants" || isConverter(id)
}

// checkLabels checks that labels are settled for pages only, once, last, on each way that got a token_ledger here, and on all
// ways to a page whose settings moved.
func checkLabels(t *testing.T, after []way, output map[string]any, description fmt.Stringer) {
	t.Helper()
	moved := func(exporter string) bool {
		written, _ := parts["exporters"].(map[string]any)[exporter].(map[string]any)
		left, _ := output["exporters"].(map[string]any)[exporter].(map[string]any)
		return written["const_labels"] != nil && left["const_labels"] == nil
	}
	for _, w := range after {
		count, here := 0, false
		for _, id := range w.processors {
			count += map[bool]int{true: 1}[componentType(id) == labelsType]
			here = here || componentType(id) == ledgerType && id != "token_ledger/own"
		}
		switch {
		case kindOf(w.exporter) == pull && (here || moved(w.exporter)):
			require.Equal(t, 1, count, "%v %v", w, description)
			require.Equal(t, labelsType, componentType(w.processors[len(w.processors)-1]), description)
		case kindOf(w.exporter) != neutral:
			require.Zero(t, count, "%v %v", w, description)
		}
	}
}

// checkGraph checks what the collector checks before it builds pipelines.
func checkGraph(t *testing.T, output map[string]any, description fmt.Stringer) {
	t.Helper()
	declared := func(section string) map[string]any { entries, _ := output[section].(map[string]any); return entries }
	from, to := map[string]bool{}, map[string]bool{}
	for id, entry := range output["service"].(map[string]any)["pipelines"].(map[string]any) {
		lists := entry.(map[string]any)
		require.Regexp(t, `^metrics(/[^\s]+)?$`, id)
		require.NotEmpty(t, lists["receivers"], description)
		require.NotEmpty(t, lists["exporters"], description)
		for list, sections := range map[string][]string{"receivers": {"receivers", "connectors"}, "processors": {"processors"}, "exporters": {"exporters", "connectors"}} {
			names, _ := lists[list].([]any)
			seen := map[any]bool{}
			for _, name := range names {
				name := name.(string)
				require.False(t, seen[name], "%s twice %v", name, description)
				seen[name] = true
				require.True(t, slices.ContainsFunc(sections, func(section string) bool { _, ok := declared(section)[name]; return ok }), "%s is not declared %v", name, description)
				if _, connector := declared("connectors")[name]; connector {
					from[name], to[name] = from[name] || list == "exporters", to[name] || list == "receivers"
				}
			}
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(from)), slices.Sorted(maps.Keys(to)))
	for name := range from {
		require.True(t, from[name] && to[name], "%s leads nowhere or comes from nowhere %v", name, description)
	}
	for name := range declared("connectors") {
		if strings.Contains(name, ledgerType) || strings.Contains(name, labelsType) {
			require.True(t, from[name], "%s is declared for nothing %v", name, description)
		}
	}
}
