// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// ledgerType is the type of the processor, and of the connector that counts events.
const ledgerType = "token_ledger"

// graph is the metrics part of a configuration: pipelines, and the connectors between them. It is changed in memory and
// then written, so that lists in which nothing changed stay as they were written.
type graph struct {
	document   *document
	nodes      []*node         // sorted by identifier, new ones at the end
	forwards   []string        // connectors that are to be declared
	processors map[string]any  // processors that are to be declared, with their settings
	exporters  map[string]any  // settings that exporters get, by key (Q1 to Q3)
	taken      map[string]bool // "section/identifier" of what is declared, and is to be

	keys map[string]string   // "section/identifier" of what is declared: the key as it is written
	read map[string]exporter // exporters whose settings were read

	promoted  promoted            // what servers behind `otlp_http` are said to make labels (E7)
	obstacles map[string]obstacle // why batches stay, by pipeline of the configuration (W3)
	left      []string            // batches that left a pipeline
}

// node is one metrics pipeline.
type node struct {
	pipeline

	origin  string   // the pipeline of the configuration that it comes from
	written pipeline // as it is in the configuration; empty for a new one
	limits  limits   // of the delta_to_cumulative that gave way (I9)
	batch   string   // that left the way to token_ledger, "" for none (W2)
}

func newGraph(document *document) *graph {
	g := &graph{
		document: document, processors: map[string]any{}, exporters: map[string]any{}, taken: map[string]bool{}, keys: map[string]string{},
		read: map[string]exporter{}, obstacles: map[string]obstacle{},
	}
	for _, section := range [][]string{{"processors"}, {"exporters"}, {"connectors"}, {"service", "pipelines"}} {
		for _, key := range document.components(section...) {
			id := section[len(section)-1] + "/" + joinID(splitID(key))
			g.taken[id], g.keys[id] = true, key
		}
	}
	for _, p := range document.pipelines() {
		if strings.TrimSpace(p.signal) != "metrics" || !document.rewritable(p) {
			continue
		}
		written := p
		p.receivers, p.processors, p.exporters = tidy(p.receivers), tidy(p.processors), tidy(p.exporters)
		g.nodes = append(g.nodes, &node{pipeline: p, origin: p.id, written: written})
	}
	return g
}

// rewritable tells whether the lists of a pipeline hold nothing but names, so that they can be written again without
// hiding an error that the collector would report.
func (d *document) rewritable(p pipeline) bool {
	for list, names := range map[string][]string{"receivers": p.receivers, "processors": p.processors, "exporters": p.exporters} {
		switch value := d.get("service", "pipelines", p.id, list).(type) {
		case nil, string:
		case []any:
			if len(value) != len(names) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// tidy spells identifiers as the collector reads them: spaces around their parts do not count.
func tidy(ids []string) []string {
	tidied := make([]string, len(ids))
	for i, id := range ids {
		tidied[i] = joinID(splitID(id))
	}
	return tidied
}

// declared returns the key under which a section declares a component, the identifier itself if it does not.
func (g *graph) declared(section, id string) string {
	if key, ok := g.keys[section+"/"+id]; ok {
		return key
	}
	return id
}

func (g *graph) isConnector(id string) bool {
	return g.taken["connectors/"+id]
}

// passing names the connectors that hand metrics on as they are, if not all of them to each pipeline.
var passing = []string{"forward", "routing"}

// sources returns the pipelines that hand their data to a node through connectors, and the receivers, and connectors of
// another kind, from which it gets data that no metrics pipeline had.
func (g *graph) sources(n *node) (nodes []*node, receivers []string) {
	for _, id := range n.receivers {
		feeders := g.feeders(id)
		if !g.isConnector(id) || !slices.Contains(passing, componentType(id)) || len(feeders) == 0 {
			receivers = append(receivers, id)
			continue
		}
		nodes = append(nodes, feeders...)
	}
	return nodes, receivers
}

// feeders returns the pipelines that name an exporter, or a connector as one.
func (g *graph) feeders(exporter string) []*node {
	var nodes []*node
	for _, n := range g.nodes {
		if slices.Contains(n.exporters, exporter) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// upstream returns a node and all pipelines from which it gets data through connectors.
func (g *graph) upstream(n *node) []*node {
	found := []*node{n}
	for i := 0; i < len(found); i++ {
		nodes, _ := g.sources(found[i])
		for _, source := range nodes {
			if !slices.Contains(found, source) {
				found = append(found, source)
			}
		}
	}
	return found
}

// counted tells whether a node's data has been through a token_ledger when it reaches its exporters: some of it, and some
// not. Neither is true for pipelines in a circle, which the collector refuses.
func (g *graph) counted(n *node) (counted, uncounted bool) {
	found := []*node{n}
	for i := 0; i < len(found); i++ {
		if found[i].hasType(ledgerType) {
			counted = true
			continue
		}
		nodes, receivers := g.sources(found[i])
		uncounted = uncounted || len(receivers) > 0
		for _, source := range nodes {
			if !slices.Contains(found, source) {
				found = append(found, source)
			}
		}
	}
	return counted, uncounted
}

// open tells whether a node needs a token_ledger in front of its Prometheus exporters, as far as its data goes (I2, I3).
func (g *graph) open(n *node) bool {
	counted, uncounted := g.counted(n)
	return uncounted && !counted && !g.scraped(n)
}

// scraped tells whether all of a node's data was scraped (I3).
func (g *graph) scraped(n *node) bool {
	receivers := g.receivers(n)
	return len(receivers) > 0 && !slices.ContainsFunc(receivers, func(id string) bool { return componentType(id) != "prometheus" })
}

// receivers lists where a node's data comes from in the end.
func (g *graph) receivers(n *node) []string {
	var found []string
	for _, source := range g.upstream(n) {
		_, receivers := g.sources(source)
		for _, id := range receivers {
			if !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	slices.Sort(found)
	return found
}

// path lists the processors that a node's data has been through, beside those that this package put in.
func (g *graph) path(n *node) []string {
	var found []string
	for _, source := range g.upstream(n) {
		for _, id := range source.processors {
			if componentType(id) != ledgerType && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	return found
}

// sorted separates the exporters of a node: those of Prometheus, those that are neutral, and everything else.
func (g *graph) sorted(n *node) (prometheus []exporter, neutrals, others []string) {
	for _, id := range n.exporters {
		if g.isConnector(id) {
			others = append(others, id)
			continue
		}
		switch e := g.exporter(id); e.kind {
		case pull, push:
			if !slices.ContainsFunc(prometheus, func(known exporter) bool { return known.id == id }) {
				prometheus = append(prometheus, e)
			}
		case neutral:
			neutrals = append(neutrals, id)
		default:
			others = append(others, id)
		}
	}
	return prometheus, neutrals, others
}

// feedsPrometheus tells whether there is anything to do.
func (g *graph) feedsPrometheus() bool {
	return slices.ContainsFunc(g.nodes, func(n *node) bool {
		prometheus, _, _ := g.sorted(n)
		return len(prometheus) > 0 && g.open(n)
	})
}

// warnMixed warns of pipelines that I2 leaves alone although a part of their data was never counted.
func (g *graph) warnMixed(report *report) {
	for _, n := range g.nodes {
		prometheus, _, _ := g.sorted(n)
		counted, uncounted := g.counted(n)
		if len(prometheus) == 0 || !counted || !uncounted {
			continue
		}
		report.warn("token-ledger-mixed", where(n.id),
			"a part of the data comes from a pipeline with token_ledger and a part does not, so none was put here and the totals of %s are not exact: "+
				"give the other part a pipeline with a token_ledger of its own", ids(prometheus))
	}
}

// fresh returns an identifier that is not declared yet, and reserves it.
func (g *graph) fresh(section, id string) string {
	id = shortened(id)
	candidate := id
	for i := 2; g.taken[section+"/"+candidate]; i++ {
		candidate = fmt.Sprintf("%s-%d", id, i)
	}
	g.taken[section+"/"+candidate] = true
	return candidate
}

// maxName leaves room below the 1024 bytes that the collector allows a name, for what fresh appends.
const maxName = 1000

// shortened gives an identifier with a very long name a digest for its end.
func shortened(id string) string {
	if len(id) <= maxName {
		return id
	}
	digest := sha256.Sum256([]byte(id))
	return strings.ToValidUTF8(id[:maxName-40], "") + "-" + hex.EncodeToString(digest[:16])
}

// forward declares a forward connector.
func (g *graph) forward(name string) string {
	id := g.fresh("connectors", joinID("forward", name))
	g.forwards = append(g.forwards, id)
	return id
}

// add makes a pipeline that continues the one of origin.
func (g *graph) add(id, origin string, receiver string, processors, exporters []string) *node {
	n := &node{pipeline: pipeline{
		id: g.fresh("pipelines", id), signal: "metrics",
		receivers: []string{receiver}, processors: processors, exporters: exporters,
	}, origin: origin}
	g.nodes = append(g.nodes, n)
	return n
}

// write brings the changes into the document, all at once: each change of a document copies the whole of it.
func (g *graph) write() error {
	connectors, pipelines := map[string]any{}, map[string]any{}
	for _, id := range g.forwards {
		connectors[id] = map[string]any{}
	}
	for _, n := range g.nodes {
		if lists := g.changed(n); len(lists) > 0 {
			pipelines[n.id] = lists
		}
	}
	changes := map[string]any{}
	if len(connectors) > 0 {
		changes["connectors"] = connectors
	}
	if len(g.processors) > 0 {
		changes["processors"] = g.processors
	}
	if len(g.exporters) > 0 {
		changes["exporters"] = g.exporters
	}
	if len(pipelines) > 0 {
		changes["service"] = map[string]any{"pipelines": pipelines}
	}
	if err := g.document.conf.Merge(confmap.NewFromStringMap(changes)); err != nil {
		return err
	}
	for _, id := range g.left {
		if !g.document.used("processors", id) {
			g.document.remove("processors", g.declared("processors", id))
		}
	}
	return nil
}

// changed returns the lists of a node that are not as they were written, and takes away what was written: lists may be
// merged by appending (feature gate confmap.enableMergeAppendOption).
func (g *graph) changed(n *node) map[string]any {
	lists := map[string]any{}
	for _, list := range []struct {
		key           string
		before, after []string
	}{
		{"receivers", n.written.receivers, n.receivers},
		{"processors", n.written.processors, n.processors},
		{"exporters", n.written.exporters, n.exporters},
	} {
		if slices.Equal(tidy(list.before), list.after) {
			continue
		}
		if len(list.before) > 0 {
			g.document.remove("service", "pipelines", n.id, list.key)
		}
		entries := make([]any, len(list.after))
		for i, name := range list.after {
			entries[i] = name
		}
		lists[list.key] = entries
	}
	return lists
}

func (n *node) hasType(kind string) bool {
	return slices.ContainsFunc(n.processors, func(id string) bool { return componentType(id) == kind })
}

// without returns a list without the entries for which gone is true.
func without(list []string, gone func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(list), gone)
}

// where is what reports about a pipeline point to.
func where(pipeline string) []string {
	return []string{"service", "pipelines", pipeline}
}

func ids(exporters []exporter) string {
	names := make([]string, len(exporters))
	for i, e := range exporters {
		names[i] = e.id
	}
	return enumerated(names)
}

// enumerated writes a list as a sentence does: "a", "a and b", "a, b and c".
func enumerated(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
