// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"slices"
	"strings"
)

// How pipelines are split and joined (I4 to I8).
//
//	B1  A token_ledger is named after the pipeline that the configuration has: `token_ledger/metrics/a` for `metrics/a`,
//	    whether that was split or not, so that its totals go on when another exporter is added. If a pipeline needs
//	    several, the one for pulled exporters comes first, and the names of the others end with their first exporter. One
//	    that joins pipelines is named after its first exporter alone.
//	B2  A pipeline that is made is `metrics/token_ledger/<exporter>`, the connector to it `forward/token_ledger/<exporter>`.
//	B3  Names that are in use get a number at the end.

// ledger is one token_ledger that is put in.
type ledger struct {
	id        string // of the processor
	node      *node  // the pipeline in which it stands
	exporters []exporter
	feeders   []*node // pipelines of the exporters; after place, what its own pipeline gets data from, or is
	neutrals  []string
	inPlace   bool

	strangers []string // pipelines that feed the same exporters and already had a token_ledger
}

func (l *ledger) kind() kind { return l.exporters[0].kind }

func (l *ledger) shown() shown { return l.exporters[0].shown }

// chain is a token_ledger with the batch behind it, if there is to be one (W2).
func (l *ledger) chain() []string {
	chain := []string{l.id}
	if l.kind() == pull {
		return chain
	}
	for _, n := range slices.Backward(l.feeders) {
		if n.batch != "" {
			return append(chain, n.batch)
		}
	}
	return chain
}

// plan finds out which token_ledgers are needed, and where. Those of pulled exporters come first.
func (g *graph) plan() []*ledger {
	ledgers := g.group()
	count := map[*node]int{}
	for _, l := range ledgers {
		for _, n := range l.feeders {
			count[n]++
		}
	}
	for _, l := range ledgers {
		_, _, others := g.sorted(l.feeders[0])
		l.inPlace = len(l.feeders) == 1 && count[l.feeders[0]] == 1 && len(others) == 0
	}
	g.takeNeutrals(ledgers)
	g.name(ledgers)
	return ledgers
}

// group collects the exporters that can share a token_ledger (I4).
func (g *graph) group() []*ledger {
	var ledgers []*ledger
	known := map[string]bool{}
	for _, wanted := range []kind{pull, push} {
		for _, n := range g.nodes {
			prometheus, _, _ := g.sorted(n)
			for _, e := range prometheus {
				if e.kind != wanted || known[e.id] || !g.open(n) {
					continue
				}
				known[e.id] = true
				ledgers = g.assign(ledgers, e)
			}
		}
	}
	return ledgers
}

// assign adds an exporter to the token_ledger that it can share, or to a new one. Where all pipelines of the exporter bring it
// the same data, that is one for each of them (I8).
func (g *graph) assign(ledgers []*ledger, e exporter) []*ledger {
	feeders, strangers := g.split(e.id)
	if !g.bringTheSame(feeders) {
		return share(ledgers, e, feeders, strangers)
	}
	for _, n := range feeders {
		ledgers = share(ledgers, e, []*node{n}, strangers)
	}
	return ledgers
}

func share(ledgers []*ledger, e exporter, feeders []*node, strangers []string) []*ledger {
	for _, l := range ledgers {
		if l.kind() == e.kind && l.shown() == e.shown && slices.Equal(l.feeders, feeders) {
			l.exporters = append(l.exporters, e)
			return ledgers
		}
	}
	return append(ledgers, &ledger{exporters: []exporter{e}, feeders: feeders, strangers: strangers})
}

// bringTheSame tells whether several pipelines get all points of the same receivers.
func (g *graph) bringTheSame(feeders []*node) bool {
	if len(feeders) < 2 {
		return false
	}
	receivers := g.receivers(feeders[0])
	return !slices.ContainsFunc(feeders, func(n *node) bool {
		return !g.complete(n) || !slices.Equal(g.receivers(n), receivers)
	})
}

// complete tells whether all points of a node's receivers reach it.
func (g *graph) complete(n *node) bool {
	partial := func(id string) bool { return componentType(id) == "filter" || componentType(id) == "routing" }
	return !slices.ContainsFunc(g.upstream(n), func(source *node) bool {
		return slices.ContainsFunc(source.processors, partial) || slices.ContainsFunc(source.receivers, partial)
	})
}

// split separates the pipelines of an exporter into those that need a token_ledger and those that are left alone (I2).
func (g *graph) split(exporter string) (feeders []*node, strangers []string) {
	for _, n := range g.feeders(exporter) {
		switch {
		case g.open(n):
			feeders = append(feeders, n)
		case !g.scraped(n):
			strangers = append(strangers, n.id)
		}
	}
	return feeders, strangers
}

// takeNeutrals lets neutral exporters go with the first token_ledger whose pipelines all name them and keep no data (I7).
func (g *graph) takeNeutrals(ledgers []*ledger) {
	gone := map[string]bool{}
	for _, l := range ledgers {
		if l.inPlace {
			continue
		}
		_, candidates, _ := g.sorted(l.feeders[0])
		for _, id := range candidates {
			stays := slices.ContainsFunc(l.feeders, func(n *node) bool {
				_, _, others := g.sorted(n)
				return len(others) > 0 || !slices.Contains(n.exporters, id) || gone[n.id+" "+id]
			})
			if stays {
				continue
			}
			l.neutrals = append(l.neutrals, id)
			for _, n := range l.feeders {
				gone[n.id+" "+id] = true
			}
		}
	}
}

// name gives the token_ledgers their names (B1).
func (g *graph) name(ledgers []*ledger) {
	named := map[string]bool{}
	for _, l := range ledgers {
		origin, first := l.feeders[0].origin, l.exporters[0].id
		name := first
		if len(l.feeders) == 1 {
			name = origin
			if named[origin] {
				name = origin + "/" + first
			}
			named[origin] = true
		}
		l.id = g.fresh("processors", joinID(ledgerType, name))
	}
}

// place puts a token_ledger into the graph: in place (I5), or behind a forward connector in a pipeline of its own (I6).
func (g *graph) place(l *ledger) {
	if l.inPlace {
		l.node = l.feeders[0]
		l.node.processors = append(slices.Clone(l.node.processors), l.chain()...)
		return
	}
	own := make([]string, len(l.exporters), len(l.exporters)+len(l.neutrals))
	for i, e := range l.exporters {
		own[i] = e.id
	}
	name := joinID(ledgerType, own[0])
	own = append(own, l.neutrals...)
	connector := g.forward(name)
	for _, n := range l.feeders {
		n.exporters = append(without(n.exporters, func(id string) bool { return slices.Contains(own, id) }), connector)
	}
	l.node = g.add(joinID("metrics", name), l.feeders[0].origin, connector, l.chain(), own)
}

// plainTypes are processors that change no point, so that what passed one of two pipelines equals what passed the other.
var plainTypes = []string{"memory_limiter", "batch", "filter"}

// overlap returns a receiver whose data reaches a token_ledger through several of its pipelines, changed on the way so that
// its points may not be recognised as the same (I8); "" if there is none.
func (g *graph) overlap(l *ledger) string {
	if len(l.feeders) < 2 {
		return ""
	}
	ways := map[string]int{}
	changed := map[string]bool{}
	for _, n := range l.feeders {
		own := g.receivers(n)
		changes := slices.ContainsFunc(g.path(n), func(id string) bool { return !slices.Contains(plainTypes, componentType(id)) })
		for _, receiver := range own {
			ways[receiver]++
			changed[receiver] = changed[receiver] || changes
		}
	}
	var found []string
	for receiver, count := range ways {
		if count > 1 && changed[receiver] {
			found = append(found, receiver)
		}
	}
	slices.Sort(found)
	return enumerated(found)
}

// ledgerRule is the rule under which each token_ledger is reported, at the pipeline in which it stands.
const ledgerRule = "token-ledger"

// report says what a token_ledger is for and how it is set.
func (g *graph) report(l *ledger, s *surroundings, report *report) {
	at := where(l.node.id)
	report.inform(ledgerRule, at, "%s makes exact totals for %s%s", l.id, ids(l.exporters), s.text(g, l))
	if !l.inPlace {
		names := make([]string, len(l.feeders))
		for i, n := range l.feeders {
			names[i] = n.id
		}
		rule, verb := "token-ledger-split", "gets its data from"
		if len(l.feeders) > 1 {
			rule, verb = "token-ledger-join", "joins"
		}
		report.inform(rule, at, "the pipeline is new and %s %s, so that each exporter gets the data it needs", verb, enumerated(names))
	}
	if receivers := g.overlap(l); receivers != "" {
		report.warn("token-ledger-overlap", at, "data of %s reaches %s in several ways and is changed on some; what is changed counts once for each: "+
			"use a receiver or an exporter for each way, or filters that let each point through one of them", receivers, ids(l.exporters))
	}
	if len(l.strangers) > 0 {
		report.warn("token-ledger-shared", at, "%s is also fed by %s with totals of its own; equal series overwrite each other: use one exporter for each, or one token_ledger for all",
			ids(l.exporters), strings.Join(l.strangers, ", "))
	}
}
