// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"reflect"
	"slices"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"
	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// The exporter `prometheus` leaves out a series of which two labels get one name: a constant label and an attribute of
// the point, an attribute of the resource and its own `job`. The processor prometheus_labels before it settles that.
//
//	P1  It stands last in each metrics pipeline that feeds such an exporter and got its token_ledger here, because clients
//	    choose attributes: with OTEL_RESOURCE_ATTRIBUTES=job=x each point has a `job`. A pipeline with a token_ledger of
//	    the user's own was written for this collector: it gets the processor only where settings make labels (P2).
//	P2  `const_labels` and `resource_to_telemetry_conversion` move from the exporter into the processor, in all pipelines
//	    of that exporter. A constant label whose name changes on the way (ConstLabelMoves) stays where it is.
//	P3  Other exporters beside it, but neutral ones, must not see the labels: then the processor stands behind a `forward`
//	    connector in a pipeline of its own.
//	P4  An exporter behind a prometheus_labels is left alone, so that what runs twice changes nothing the second time. With
//	    TOKEN_LEDGER_AUTO=off nothing changes.

// labelsType is the type of the processor.
const labelsType = "prometheus_labels"

// settleLabels puts prometheus_labels before exporters whose labels may collide.
func settleLabels(document *document, environment environment, report *report) error {
	mode, err := environment.automation()
	if err != nil || mode == automationOff {
		return err
	}
	step := &labelStep{graph: newGraph(document), report: report, pages: map[string]*page{}}
	step.find()
	for _, n := range slices.Clone(step.graph.nodes) {
		if err := step.settle(n); err != nil {
			return err
		}
	}
	return step.graph.write()
}

// labelStep is one run of settleLabels.
type labelStep struct {
	graph  *graph
	report *report
	pages  map[string]*page // exporters to settle, by identifier
}

// page is an exporter `prometheus` and the processor that goes before it.
type page struct {
	exporter  string
	settings  map[string]any // of the processor
	stays     map[string]any // constant labels that the exporter keeps
	moves     []string       // settings that leave the exporter
	processor string         // its identifier, once it is declared
	branch    string         // the forward connector to its own pipeline, once there is one (P3)
}

// find collects the exporters to settle.
func (s *labelStep) find() {
	for _, n := range s.graph.nodes {
		prometheus, _, _ := s.graph.sorted(n)
		for _, e := range prometheus {
			settled := slices.ContainsFunc(s.graph.feeders(e.id), func(n *node) bool { return n.hasType(labelsType) })
			if e.kind == pull && !settled && s.pages[e.id] == nil {
				s.pages[e.id] = s.graph.page(e.id)
			}
		}
	}
}

// page reads what a processor before an exporter takes over, and what it has to know.
func (g *graph) page(id string) *page {
	p := &page{exporter: id, settings: map[string]any{}, stays: map[string]any{}}
	key := g.declared("exporters", id)
	for _, name := range []string{"without_scope_info", "translation_strategy"} {
		if value := g.document.raw("exporters", key, name); value != nil {
			p.settings[name] = value
		}
	}
	p.takeConstLabels(g.document.raw("exporters", key, "const_labels"), g.document.text("exporters", key, "translation_strategy"))
	p.takeConversion(g.document.raw("exporters", key, "resource_to_telemetry_conversion"))
	return p
}

// takeConstLabels separates the constant labels that move from those that stay.
func (p *page) takeConstLabels(raw any, strategy string) {
	labels, _ := plain(raw).(map[string]any)
	moving := map[string]any{}
	for name, value := range labels {
		if textual(value) && prometheuslabelsprocessor.ConstLabelMoves(name, written(value), strategy) {
			moving[name] = value
		} else {
			p.stays[name] = value
		}
	}
	if len(moving) > 0 {
		p.settings["const_labels"] = moving
		p.moves = append(p.moves, "const_labels")
	}
}

// takeConversion takes the conversion of resource attributes over, if it is on and holds nothing unknown.
func (p *page) takeConversion(raw any) {
	conversion, _ := plain(raw).(map[string]any)
	enabled, known := conversion["enabled"], 1
	if !truth(plain(enabled)) {
		return
	}
	exclude, written := conversion["exclude_service_attributes"]
	if written {
		known = 2
	}
	if len(conversion) != known {
		return
	}
	p.settings["resource_attributes"] = enabled
	if written {
		p.settings["exclude_service_attributes"] = exclude
	}
	p.moves = append(p.moves, "resource_to_telemetry_conversion")
}

// textual tells whether the collector takes a value as text: what came from a variable has a textual form.
func textual(raw any) bool {
	switch raw.(type) {
	case string, xconfmap.ExpandedValue:
		return true
	}
	return false
}

// settle puts prometheus_labels into one pipeline, or behind it.
func (s *labelStep) settle(n *node) error {
	pages, others := s.pagesOf(n)
	if len(pages) == 0 {
		return nil
	}
	if !others && !slices.ContainsFunc(pages, func(p *page) bool { return !reflect.DeepEqual(p.settings, pages[0].settings) }) {
		for _, p := range pages {
			if p.processor == "" { // equal settings: one processor for all
				p.processor = pages[0].processor
			}
			if err := s.declare(p); err != nil {
				return err
			}
		}
		n.processors = append(slices.Clone(n.processors), pages[0].processor)
		s.inform(n.id, pages)
		return nil
	}
	for _, p := range pages {
		if err := s.divert(n, p); err != nil {
			return err
		}
	}
	return nil
}

// pagesOf returns the exporters of a pipeline that need the processor there (P1, P2), and whether there are others that
// must not see its labels (P3).
func (s *labelStep) pagesOf(n *node) (pages []*page, others bool) {
	prometheus, _, foreign := s.graph.sorted(n)
	others = len(foreign) > 0
	for _, e := range prometheus {
		p := s.pages[e.id]
		if p != nil && (len(p.moves) > 0 || s.countedHere(n)) {
			pages = append(pages, p)
		} else {
			others = true
		}
	}
	return pages, others
}

// countedHere tells whether insert put a token_ledger into a pipeline in this run.
func (s *labelStep) countedHere(n *node) bool {
	return slices.ContainsFunc(s.report.entries, func(entry entry) bool {
		return entry.rule == ledgerRule && slices.Equal(entry.path, where(n.id))
	})
}

// declare writes the processor of an exporter, once, and takes from the exporter what moved.
func (s *labelStep) declare(p *page) error {
	document, key := s.graph.document, s.graph.declared("exporters", p.exporter)
	if slices.Contains(p.moves, "resource_to_telemetry_conversion") {
		document.remove("exporters", key, "resource_to_telemetry_conversion")
	}
	if slices.Contains(p.moves, "const_labels") {
		document.remove("exporters", key, "const_labels")
		if len(p.stays) > 0 {
			if err := document.set(p.stays, "exporters", key, "const_labels"); err != nil {
				return err
			}
		}
	}
	if p.processor != "" {
		return nil
	}
	p.processor = s.graph.fresh("processors", joinID(labelsType, p.exporter))
	s.graph.processors[p.processor] = p.settings
	return nil
}

// divert lets an exporter get its data through a pipeline of its own, which has the processor (P3).
func (s *labelStep) divert(n *node, p *page) error {
	if err := s.declare(p); err != nil {
		return err
	}
	if p.branch == "" {
		name := joinID(labelsType, p.exporter)
		p.branch = s.graph.forward(name)
		branch := s.graph.add(joinID("metrics", name), n.origin, p.branch, []string{p.processor}, []string{p.exporter})
		s.inform(branch.id, []*page{p})
	}
	n.exporters = append(without(n.exporters, func(id string) bool { return id == p.exporter }), p.branch)
	return nil
}

func (s *labelStep) inform(pipeline string, pages []*page) {
	names := make([]string, len(pages))
	var moves []string
	for i, p := range pages {
		names[i] = p.exporter
		moves = append(moves, p.moves...)
	}
	slices.Sort(moves)
	also := ""
	if len(moves) > 0 {
		also = "; " + enumerated(slices.Compact(moves)) + " moved there"
	}
	s.report.inform("prometheus-labels", where(pipeline), "%s keeps labels that collide from taking series off the page of %s%s",
		pages[0].processor, enumerated(names), also)
}
