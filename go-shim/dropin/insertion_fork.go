// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What becomes of delta_to_cumulative in front of a Prometheus exporter (I9).
//
//	F1  token_ledger does what it does, without forgetting streams after 5 minutes, and knows retries by the increments that
//	    clients send. So it is taken out of the pipeline, unless something behind it depends on totals: then it stays, and
//	    token_ledger counts what its totals grow by (T3).
//	F2  Its written `max_streams` stays the limit, and `max_stale` too if it is longer than a day.
//	F3  Where other exporters keep the data of the pipeline, they keep it converted: the pipeline ends before the processor,
//	    and goes on as two, one of which has it.

// converterTypes are the two names of the processor.
var converterTypes = []string{"delta_to_cumulative", "deltatocumulative"}

func isConverter(id string) bool {
	return slices.Contains(converterTypes, componentType(id))
}

// giveWay takes delta_to_cumulative out of the way of token_ledger.
func (g *graph) giveWay(report *report) {
	for _, n := range slices.Clone(g.nodes) {
		prometheus, neutrals, others := g.sorted(n)
		at := slices.IndexFunc(n.processors, isConverter)
		if len(prometheus) == 0 || at < 0 || !g.open(n) {
			continue
		}
		head, tail := n.processors[:at], n.processors[at:]
		name := tail[0]
		if dependent := slices.IndexFunc(tail, g.needsTotals); dependent >= 0 {
			report.inform("delta-to-cumulative", where(n.id),
				"%s stays, because %s behind it may depend on totals; token_ledger counts what they grow by", name, tail[dependent])
			continue
		}
		limits := g.limits(tail)
		if len(others) == 0 {
			n.processors, n.limits = without(n.processors, isConverter), limits
			report.inform("delta-to-cumulative", where(n.id), "%s gives way to token_ledger, which does the same without forgetting idle streams%s",
				name, limits.text())
			continue
		}
		g.fork(n, head, tail, prometheus, append(others, neutrals...)).limits = limits
		report.inform("delta-to-cumulative", where(n.id), "the pipeline forks before %s, which stays for %s; for %s token_ledger does the same%s",
			name, enumerated(others), ids(prometheus), limits.text())
	}
}

// fork ends a pipeline before delta_to_cumulative. One continuation has it, the other one, which is returned, has not (F3).
func (g *graph) fork(n *node, head, tail []string, prometheus []exporter, others []string) *node {
	_, name := splitID(n.origin)
	label := joinID(ledgerType, name)
	kept, counted := g.forward(joinID("before_"+ledgerType, name)), g.forward(label)
	g.add(joinID("metrics", joinID("before_"+ledgerType, name)), n.origin, kept, slices.Clone(tail), others)
	own := make([]string, len(prometheus))
	for i, e := range prometheus {
		own[i] = e.id
	}
	branch := g.add(joinID("metrics", label), n.origin, counted, without(tail, isConverter), own)
	n.processors, n.exporters = slices.Clone(head), []string{kept, counted}
	return branch
}

// needsTotals tells whether a processor may do something else with increments than with totals. What is not known may.
func (g *graph) needsTotals(id string) bool {
	switch componentType(id) {
	case "delta_to_cumulative", "deltatocumulative", "memory_limiter", "batch", "attributes", "resource", "redaction", "groupbyattrs":
		return false
	case "interval": // passes increments on; its interval becomes that of token_ledger
		return false
	case "filter", "transform", "metricstransform", "metrics_transform":
		return dependsOnValues(g.text("processors", id))
	}
	return true
}

// text returns the settings of a component as text to search in.
func (g *graph) text(section, id string) string {
	return fmt.Sprint(g.document.get(section, g.declared(section, id)))
}

// valueWords are parts of statements, conditions and operations that look at values, their temporality or their times.
var valueWords = []string{"temporality", "value_int", "value_double", "convert_", "extract_", "start_time", "scale_", "datapoint_count", "new_value"}

// aggregation finds how statements and operations merge points. Sums of increments add up to sums of totals; nothing
// else does.
var aggregation = regexp.MustCompile(`(?:aggregate_on_attribute(?:s|_value)\(\s*"|aggregation_type:)(\w+)`)

func dependsOnValues(text string) bool {
	if slices.ContainsFunc(valueWords, func(word string) bool { return strings.Contains(text, word) }) {
		return true
	}
	return slices.ContainsFunc(aggregation.FindAllStringSubmatch(text, -1), func(match []string) bool { return match[1] != "sum" })
}

// limits are the settings that survive a delta_to_cumulative that gave way (F2). Zero means not written.
type limits struct {
	maxStreams int
	maxStale   time.Duration
	unlimited  bool // of several, one had no limit
}

// defaultMaxStale is what token_ledger has by itself.
const defaultMaxStale = 24 * time.Hour

// limits reads them from all the converters in a list, the tightest ones.
func (g *graph) limits(processors []string) limits {
	var found limits
	for _, id := range processors {
		if !isConverter(id) {
			continue
		}
		key := g.declared("processors", id)
		streams, ok := number(g.document.get("processors", key, "max_streams"))
		if ok && streams > 0 && (found.maxStreams == 0 || streams < found.maxStreams) {
			found.maxStreams = streams
		}
		if stale, ok := duration(g.document.get("processors", key, "max_stale")); ok && stale > defaultMaxStale {
			found.maxStale = max(found.maxStale, stale)
		}
	}
	found.unlimited = found.maxStreams == 0
	return found
}

// joined are the limits of a token_ledger that takes the place of several converters: each had its own streams.
func (l limits) joined(other limits) limits {
	return limits{
		maxStreams: min(l.maxStreams+other.maxStreams, math.MaxUint32),
		maxStale:   max(l.maxStale, other.maxStale),
		unlimited:  l.unlimited || other.unlimited,
	}
}

func (l limits) text() string {
	var kept []string
	if l.maxStreams > 0 {
		kept = append(kept, fmt.Sprintf("max_streams %d", l.maxStreams))
	}
	if l.maxStale > 0 {
		kept = append(kept, fmt.Sprintf("max_stale %s", l.maxStale))
	}
	if len(kept) == 0 {
		return ""
	}
	return "; it takes over " + enumerated(kept)
}

// number reads a whole number, also one that is written as text, up to the greatest limit that token_ledger knows.
func number(value any) (int, bool) {
	switch value := value.(type) {
	case int:
		return min(value, math.MaxUint32), true
	case int64:
		return int(min(value, math.MaxUint32)), true
	case uint64:
		return int(min(value, math.MaxUint32)), true
	case float64:
		return int(min(value, math.MaxUint32)), value == math.Trunc(value)
	case string:
		parsed, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		return int(min(parsed, math.MaxUint32)), err == nil
	}
	return 0, false
}
