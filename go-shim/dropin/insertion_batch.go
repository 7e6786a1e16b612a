// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What becomes of `batch` in front of token_ledger. It answers a client before anything behind it has seen the data: what
// it holds when the process dies is lost, and no client sends it again. token_ledger writes first and answers then, so no
// batch may stand before it.
//
//	W1  A batch leaves the way to token_ledger. Before a pulled exporter it is left out: a page needs no batches, and one
//	    between token_ledger and the page would delay zeros and first values by different times (D6).
//	W2  Before a pushed exporter it moves directly behind token_ledger, under its name, so that requests keep their size
//	    bound. Of several the last one is kept.
//	W3  It moves only past processors that do the same with a request and with a batch (sameInBatches). Otherwise it stays,
//	    with a warning; what is not known stays too. So does one with `metadata_keys`, because metadata of clients
//	    reaches exporters through it.
//	W4  Where other exporters, or connectors, keep the data of the pipeline, they keep their batches: the pipeline forks
//	    before the first one that leaves, as it does before delta_to_cumulative (F3), at whichever comes first.
//	W5  A batch in a pipeline that hands its data on through a connector stays, with a warning.
//	W6  One that no pipeline names any more is no longer declared: nothing would use it.

// batchRule is the rule under which all of this is reported.
const batchRule = "token-ledger-batch"

// defaultBatchTimeout is the default of `timeout` (batchprocessor v0.158.0).
const defaultBatchTimeout = 200 * time.Millisecond

func isBatch(id string) bool {
	return componentType(id) == "batch"
}

// obstacle is why a batch stays, and what to do about it.
type obstacle struct{ why, remedy string }

// movable returns the batches of a list that may leave the way to token_ledger, in order, and why the others may not (W3).
func (g *graph) movable(processors []string, converterStays bool) (batches []string, stay obstacle) {
	for _, id := range slices.Backward(processors) {
		switch {
		case isBatch(id) && g.readsMetadata(id):
			return batches, obstacle{"it keeps metadata of clients apart", "leave its metadata_keys out"}
		case isBatch(id):
			batches = slices.Insert(batches, 0, id)
		case isConverter(id) && converterStays, !isConverter(id) && !g.sameInBatches(id):
			return batches, obstacle{id + " behind it may treat a batch otherwise than the requests in it", "move it to the end of the pipeline"}
		}
	}
	return batches, obstacle{}
}

// readsMetadata tells whether a batch has `metadata_keys`.
func (g *graph) readsMetadata(id string) bool {
	switch keys := g.document.get("processors", g.declared("processors", id), "metadata_keys").(type) {
	case nil:
		return false
	case []any:
		return len(keys) > 0
	}
	return true
}

// sameInBatches tells whether a processor does the same with requests as with the batches made of them. Aggregations do
// not: they add up what arrives together. Neither does what reads metadata of clients, which end at a batch.
func (g *graph) sameInBatches(id string) bool {
	text := g.text("processors", id)
	switch componentType(id) {
	case "memory_limiter", "redaction", "groupbyattrs", "interval":
		return true
	case "attributes", "resource":
		return !strings.Contains(text, "from_context:")
	case "filter", "transform":
		return !together.MatchString(text)
	case "metricstransform", "metrics_transform":
		return !slices.ContainsFunc([]string{"aggregate_label", "action:combine", "action:group"}, func(word string) bool { return strings.Contains(text, word) })
	}
	return false
}

// together finds statements that aggregate or limit, and paths to metadata of clients.
var together = regexp.MustCompile(`\b(aggregate_on_\w+|limit)\s*\(|\botelcol\.`)

// reportBatches says what became of the batches of a pipeline. stays names who keeps them, behind a fork (W4).
func (c *clearing) reportBatches(n string, prometheus []exporter, stays []string, report *report) {
	if len(c.batches) == 0 {
		return
	}
	var pushed []exporter
	for _, e := range prometheus {
		if e.kind == push {
			pushed = append(pushed, e)
		}
	}
	names, text := enumerated(c.batches), ""
	s := "s" // of verbs
	if len(c.batches) > 1 {
		s = ""
	}
	switch {
	case len(pushed) == 0:
		text = "leave" + s + " the way to token_ledger"
	case len(c.batches) > 1:
		text = fmt.Sprintf("leave the way to token_ledger, and %s stands behind it for %s", c.batch(), ids(pushed))
	case len(pushed) == len(prometheus):
		text = "moves behind token_ledger"
	default:
		text = fmt.Sprintf("moves behind token_ledger for %s and leaves the way to pages", ids(pushed))
	}
	if len(stays) > 0 {
		text += fmt.Sprintf(" and, behind a fork, stay%s for %s", s, enumerated(stays))
	}
	report.inform(batchRule, where(n), "%s %s, so that data is in the ledger before a client is told that it arrived", names, text)
}

// batch is the one that is kept, "" for none (W2).
func (c *clearing) batch() string {
	if len(c.batches) == 0 {
		return ""
	}
	return c.batches[len(c.batches)-1]
}

// warnBatches warns of each batch that still stands before a token_ledger (W3, W5).
func (g *graph) warnBatches(report *report) {
	said := map[string]bool{}
	for _, n := range g.nodes {
		if prometheus, _, _ := g.sorted(n); len(prometheus) == 0 || !g.open(n) {
			continue
		}
		for _, source := range g.upstream(n) {
			for _, id := range source.processors {
				key := source.origin + " " + id
				if !isBatch(id) || said[key] {
					continue
				}
				said[key] = true
				stay := g.obstacles[source.origin]
				if stay == (obstacle{}) || source.origin != n.origin {
					stay = obstacle{"its pipeline hands data on through a connector", "move it into the pipeline behind that"}
				}
				report.warn(batchRule, where(source.origin), "%s stays before token_ledger, because %s: a crash can lose up to %s of data that clients take as delivered; "+
					"if you can, %s, or write a token_ledger before it", id, stay.why, g.timeout(id), stay.remedy)
			}
		}
	}
}

// timeout is how long a batch holds data.
func (g *graph) timeout(id string) time.Duration {
	if timeout, ok := duration(g.document.get("processors", g.declared("processors", id), "timeout")); ok {
		return timeout
	}
	return defaultBatchTimeout
}
