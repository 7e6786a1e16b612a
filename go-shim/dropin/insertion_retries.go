// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import "slices"

// warnRetries warns where a client may send data again that token_ledger has counted, and that it takes for new data (A1):
// with `retransmissions: add`, if the same data also goes to a foreign exporter without a batch on its way. When that
// exporter refuses a request, the client hears of it and sends the whole request again, to everybody.
func (g *graph) warnRetries(ledgers []*ledger, report *report) {
	for _, l := range ledgers {
		processor := g.merges(g.path(l.node))
		refusing := g.refusing(l)
		if processor == "" || len(refusing) == 0 {
			continue
		}
		report.warn("token-ledger-retries", where(l.node.id), "%s counts a request twice that %s refuses, as with a full queue, because clients send it again and %s removes or merges attributes (retransmissions: add): "+
			"remove them with cardinality rules of a token_ledger instead, which add up and still recognise what comes again, or see that the queue is large enough",
			l.id, enumerated(refusing), processor)
	}
}

// refusing lists the foreign exporters whose refusals reach clients that send to a token_ledger.
func (g *graph) refusing(l *ledger) []string {
	own := g.receivers(l.node)
	heard := func(receiver string) bool { // whoever is scraped sends nothing again
		return componentType(receiver) != "prometheus" && !g.isConnector(receiver) && slices.Contains(own, receiver)
	}
	var found []string
	for _, n := range g.nodes {
		_, _, others := g.sorted(n)
		if len(others) == 0 || slices.ContainsFunc(g.path(n), isBatch) || !slices.ContainsFunc(g.receivers(n), heard) {
			continue
		}
		for _, id := range others {
			if !g.isConnector(id) && componentType(id) != "debug" && !slices.Contains(found, id) { // debug takes everything
				found = append(found, id)
			}
		}
	}
	return found
}
