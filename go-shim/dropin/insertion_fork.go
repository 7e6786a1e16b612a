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
//	    or before a batch that leaves earlier (W4), and goes on as two, one of which has it.

// converterTypes are the two names of the processor.
var converterTypes = []string{"delta_to_cumulative", "deltatocumulative"}

func isConverter(id string) bool {
	return slices.Contains(converterTypes, componentType(id))
}

// clearing is what stands in the way of a pipeline's token_ledger and leaves it.
type clearing struct {
	at        int      // where the first of it stands
	converter string   // the first delta_to_cumulative, "" if none gives way
	batches   []string // in order (W1)
	limits    limits
}

func (c *clearing) gone(id string) bool {
	return c.converter != "" && isConverter(id) || slices.Contains(c.batches, id)
}

// clear takes delta_to_cumulative (F1) and batches (W1) out of the way of token_ledger.
func (g *graph) clear(report *report) {
	for _, n := range slices.Clone(g.nodes) {
		prometheus, neutrals, others := g.sorted(n)
		if len(prometheus) == 0 || !g.open(n) {
			continue
		}
		c := g.clearing(n, report)
		if c.at < 0 {
			continue
		}
		if len(others) == 0 {
			n.processors, n.limits, n.batch = without(n.processors, c.gone), c.limits, c.batch()
			if c.converter != "" {
				report.inform(converterRule, where(n.id), "%s gives way to token_ledger, which does the same without forgetting idle streams%s",
					c.converter, c.limits.text())
			}
		} else {
			name := n.processors[c.at]
			g.fork(n, c, prometheus, append(slices.Clone(others), neutrals...))
			if c.converter != "" {
				stays := "which"
				if c.converter != name {
					stays = "and " + c.converter + " behind it"
				}
				report.inform(converterRule, where(n.id), "the pipeline forks before %s, %s stays for %s; for %s token_ledger does the same%s",
					name, stays, enumerated(others), ids(prometheus), c.limits.text())
			}
		}
		c.reportBatches(n.id, prometheus, others, report)
	}
	g.warnBatches(report)
}

// converterRule is the rule under which delta_to_cumulative is reported.
const converterRule = "delta-to-cumulative"

// clearing finds out what leaves the way of a pipeline's token_ledger.
func (g *graph) clearing(n *node, report *report) *clearing {
	c := &clearing{}
	stays := false
	if at := slices.IndexFunc(n.processors, isConverter); at >= 0 {
		tail := n.processors[at:]
		if dependent := slices.IndexFunc(tail, g.needsTotals); dependent >= 0 {
			stays = true
			report.inform(converterRule, where(n.id),
				"%s stays, because %s behind it may depend on totals; token_ledger counts what they grow by", tail[0], tail[dependent])
		} else {
			c.converter, c.limits = tail[0], g.limits(tail)
		}
	}
	c.batches, g.obstacles[n.origin] = g.movable(n.processors, stays)
	g.left = append(g.left, c.batches...)
	c.at = slices.IndexFunc(n.processors, c.gone)
	return c
}

// fork ends a pipeline before what leaves the way of token_ledger. One continuation has it, the other one has not (F3, W4).
func (g *graph) fork(n *node, c *clearing, prometheus []exporter, others []string) {
	_, name := splitID(n.origin)
	label := joinID(ledgerType, name)
	head, tail := n.processors[:c.at], n.processors[c.at:]
	kept, counted := g.forward(joinID("before_"+ledgerType, name)), g.forward(label)
	g.add(joinID("metrics", joinID("before_"+ledgerType, name)), n.origin, kept, slices.Clone(tail), others)
	own := make([]string, len(prometheus))
	for i, e := range prometheus {
		own[i] = e.id
	}
	branch := g.add(joinID("metrics", label), n.origin, counted, without(tail, c.gone), own)
	branch.limits, branch.batch = c.limits, c.batch()
	n.processors, n.exporters = slices.Clone(head), []string{kept, counted}
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
