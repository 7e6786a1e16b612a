// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// How each token_ledger is set. collector-config/default.yaml and docs/rules.md have the reasons at length.
//
//	S1  `identity: prometheus` with what the exporters show (T0): series that they cannot tell apart are added up.
//	S2  Pulled: `emit: each`, idle totals again each minute (L2), and more often where the exporter forgets series in less than
//	    two minutes. First values wait (D6): 75 s, because the scrape interval is not known here; the variable
//	    TOKENLEDGER_FIRST_VALUE_DELAY knows better. Explicit times (`send_timestamps`) stay: a total that is sent again gets a
//	    new time, at most 90 s old, and Prometheus shows a series for 5 minutes.
//	S3  Pushed: `emit: interval`, which is what stores need (L3); an `interval` processor before it sets the interval.
//	S4  `retransmissions: add` behind processors that remove or merge what tells clients apart (insertion_attributes.go).
//	S5  Totals are kept in the directory that TOKENLEDGER_STATE_DIR names. Without it /var/lib/tokenledger if that can be
//	    written, else memory and one warning. Set to nothing: memory. Of token_ledgers behind one pipeline the first
//	    keeps usage for reports, so that reports count it once.
//	S6  Limits are the processor's own, which are finite, or those of a delta_to_cumulative that gave way (F2).
//	S7  Several collectors that push to one store write over each other's totals, unless something tells them apart. Nearly
//	    everybody has one collector, so this is one line of information, if no label or attribute of their own is written.
//	S8  Costs are computed with TOKEN_LEDGER_AUTO=full only, and not where a token_ledger connector counts events: the
//	    tokens are the same.

const (
	// delayVariable shortens the time that first values wait; collector-config/default.yaml uses it too.
	delayVariable = "TOKENLEDGER_FIRST_VALUE_DELAY"
	// defaultDelay covers scrapes each minute, with room for one that is late.
	defaultDelay = "75s"
)

const (
	// defaultEmitInterval and defaultFlushInterval are what token_ledger has by itself.
	defaultEmitInterval  = time.Minute
	defaultFlushInterval = 10 * time.Second
	// defaultInterval is what contrib's processor `interval` has by itself (v0.158.0).
	defaultInterval = time.Minute
)

// computedMetrics is what TOKEN_LEDGER_AUTO=full adds (S8).
const computedMetrics = "token_ledger.cost with token_ledger.cost.savings, token_ledger.cost.difference, token_ledger.tokens.unpriced, " +
	"token_ledger.data_quality.tokens and token_ledger.clients"

// surroundings is what all token_ledgers of one configuration have in common.
type surroundings struct {
	delay     string
	directory string // "" for memory
	memory    string // why totals are in memory, for the report
	pricing   bool
	usage     map[string]bool // pipelines of the configuration, and receivers, whose usage is kept already
}

// look finds out what surrounds the configuration.
func look(g *graph, environment environment, mode automation, report *report) (*surroundings, error) {
	delay, err := environment.delay()
	if err != nil {
		return nil, err
	}
	s := &surroundings{delay: delay, usage: map[string]bool{}}
	s.pricing = mode == automationFull && !g.countsEvents()
	if mode == automationFull && !s.pricing {
		report.inform("token-ledger-costs", []string{"connectors"}, "token_ledger computes no costs of metrics, because a connector computes them from events")
	}
	s.directory, err = environment.stateDirectory()
	switch {
	case err != nil:
		s.memory = "in memory only"
		report.warn("token-ledger-memory", []string{"service", "pipelines"}, "totals begin anew after each restart, and first values that still wait for a scrape are lost, because %s cannot be written (%v): "+
			"let the collector's user write it (in the image user 10001, and a volume), name another directory in %s, or set that to nothing if this is what you want",
			defaultStateDirectory, cause(err), stateVariable)
	case s.directory == "":
		s.memory = fmt.Sprintf("in memory only (%s is empty)", stateVariable)
	}
	return s, nil
}

func (e environment) delay() (string, error) {
	value, _ := e.lookup(delayVariable)
	if value = strings.TrimSpace(value); value == "" {
		return defaultDelay, nil
	}
	if parsed, err := time.ParseDuration(value); err != nil || parsed < 0 {
		return "", fmt.Errorf("%s is %q: use a duration that is longer than the scrape interval, such as \"15s\", or \"0s\" to hold nothing back", delayVariable, value)
	}
	return value, nil
}

// stateDirectory returns the directory of ledgers, "" for none, and why the default one cannot be used. A directory that
// somebody named is used as it is: the start then ends with the reason if it cannot be.
func (e environment) stateDirectory() (string, error) {
	value, set := e.lookup(stateVariable)
	if set && (value == "" || filepath.Clean(value) != defaultStateDirectory) {
		return value, nil
	}
	if err := e.writable(defaultStateDirectory); err != nil {
		return "", err
	}
	return defaultStateDirectory, nil
}

// cause leaves out which file could not be made: it had a random name.
func cause(err error) error {
	var fault *fs.PathError
	if errors.As(err, &fault) {
		return fault.Err
	}
	return err
}

// countsEvents tells whether a connector of ours is in use.
func (g *graph) countsEvents() bool {
	for _, p := range g.document.pipelines() {
		if slices.ContainsFunc(tidy(p.exporters), func(id string) bool { return componentType(id) == ledgerType && g.isConnector(id) }) {
			return true
		}
	}
	return false
}

// settings makes the settings of a token_ledger that stands in its place.
func (s *surroundings) settings(g *graph, l *ledger) map[string]any {
	settings := map[string]any{"identity": "prometheus"}
	if labels := l.shown().settings(); len(labels) > 0 {
		settings["prometheus"] = labels
	}
	if l.kind() == pull {
		settings["emit"] = "each"
		settings["first_value_delay"] = s.delay
		if interval := l.emitInterval(); interval < defaultEmitInterval {
			settings["emit_interval"] = interval.String()
		}
	} else {
		settings["emit"] = "interval"
		if interval := g.flushInterval(l); interval > defaultFlushInterval {
			settings["flush_interval"] = interval.String()
		}
	}
	if g.merges(g.path(l.node)) != "" {
		settings["retransmissions"] = "add"
	}
	l.limit(settings)
	if s.directory != "" {
		settings["storage"] = s.storage(g, l)
	}
	if s.pricing {
		settings["pricing"] = map[string]any{"source": "metrics"}
	}
	return settings
}

func (l shown) settings() map[string]any {
	labels := map[string]any{}
	if l.resource {
		labels["promote_all_resource_attributes"] = true
	}
	if l.attributes != "" {
		var names []any
		for name := range strings.SplitSeq(l.attributes, ",") {
			names = append(names, name)
		}
		labels["promote_resource_attributes"] = names
	}
	if l.scope {
		labels["promote_scope_metadata"] = true
	}
	return labels
}

// emitInterval is how often idle totals go out, so that the exporter that forgets first does not forget them (L2).
func (l *ledger) emitInterval() time.Duration {
	interval := defaultEmitInterval
	for _, e := range l.exporters {
		interval = min(interval, (e.expiration / 2).Truncate(time.Second))
	}
	return max(interval, time.Second)
}

// flushInterval is the longest interval that a processor `interval` before a token_ledger asks for.
func (g *graph) flushInterval(l *ledger) time.Duration {
	longest := defaultFlushInterval
	for _, id := range g.path(l.node) {
		if componentType(id) != "interval" {
			continue
		}
		interval, ok := duration(g.document.get("processors", g.declared("processors", id), "interval"))
		if !ok {
			interval = defaultInterval
		}
		longest = max(longest, interval)
	}
	return longest
}

// limit writes the limits of converters that gave way, if all of them had one.
func (l *ledger) limit(settings map[string]any) {
	all := l.feeders[0].limits
	for _, n := range l.feeders[1:] {
		all = all.joined(n.limits)
	}
	if all.maxStreams > 0 && !all.unlimited {
		settings["cardinality"] = map[string]any{"max_streams": all.maxStreams}
	}
	if all.maxStale > 0 {
		settings["max_stale"] = all.maxStale.String()
	}
}

// storage says where totals are kept, and whether usage is (S5).
func (s *surroundings) storage(g *graph, l *ledger) map[string]any {
	storage := map[string]any{"directory": s.directory}
	var origins []string
	for _, n := range l.feeders {
		origins = append(origins, n.origin)
	}
	receivers := g.receivers(l.node)
	unknown := func(name string) bool { return !s.usage[name] }
	if !slices.ContainsFunc(origins, unknown) || !slices.ContainsFunc(receivers, unknown) {
		storage["usage"] = false
		return storage
	}
	if g.complete(l.node) {
		origins = append(origins, receivers...)
	}
	for _, name := range origins {
		s.usage[name] = true
	}
	return storage
}

// text says in half a sentence how a token_ledger is set.
func (s *surroundings) text(g *graph, l *ledger) string {
	var text strings.Builder
	for _, e := range l.exporters {
		if e.server != "" {
			fmt.Fprintf(&text, "; of resource and scope %s is taken to show %s", e.server, e.shown.text())
			if !e.shown.resource {
				fmt.Fprintf(&text, " (what it promotes: %s)", promoteVariable)
			}
		}
	}
	if l.kind() == pull {
		fmt.Fprintf(&text, "; first values wait %s for a scrape that sees their 0 (%s)", s.delay, delayVariable)
	}
	if processor := g.merges(g.path(l.node)); processor != "" {
		fmt.Fprintf(&text, "; equal points count each (retransmissions: add), because %s removes or merges attributes", processor)
	}
	if s.pricing {
		text.WriteString("; it adds " + computedMetrics)
	}
	if s.directory != "" {
		fmt.Fprintf(&text, "; totals are kept in %s", s.directory)
	} else {
		fmt.Fprintf(&text, "; totals are %s", s.memory)
	}
	return text.String()
}

func (l shown) text() string {
	switch {
	case l.resource && l.scope:
		return "everything"
	case l.resource:
		return "the resource"
	}
	names := []string{"job", "instance"}
	if l.attributes != "" {
		names = append(names, strings.Split(l.attributes, ",")...)
	}
	if l.scope {
		names = append(names, "the scope")
	}
	return enumerated(names) + " only"
}

// informReplicas says what several collectors that push to one store need (S7).
func (g *graph) informReplicas(ledgers []*ledger, report *report) {
	var names []string
	for _, l := range ledgers {
		for _, e := range l.exporters {
			if e.kind == push && !slices.Contains(names, e.id) && !g.toldApart(l, e) {
				names = append(names, e.id)
			}
		}
	}
	if len(names) == 0 {
		return
	}
	report.inform("token-ledger-replicas", []string{"exporters", names[0]},
		"if several collectors push to the store of %s, give each a resource attribute service.instance.id of its own "+
			"(processor resource, action insert): otherwise they write over each other's totals", enumerated(names))
}

// toldApart tells whether what an exporter pushes carries something that may be another for each collector.
func (g *graph) toldApart(l *ledger, e exporter) bool {
	if labels, _ := g.document.get("exporters", g.declared("exporters", e.id), "external_labels").(map[string]any); len(labels) > 0 {
		return true
	}
	return slices.ContainsFunc(g.path(l.node), func(id string) bool {
		actions := entries(g.document.get("processors", g.declared("processors", id), "attributes"))
		return componentType(id) == "resource" && slices.ContainsFunc(actions, func(action map[string]any) bool {
			return action["key"] == "service.instance.id"
		})
	})
}
