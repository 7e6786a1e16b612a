// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

// Where token_ledger is put, and what changes around it. The numbers are named by comments, tests and the README.
//
//	I1  Only metrics pipelines change, and only those that name an exporter whose data Prometheus or a relative of it
//	    reads: pull (`prometheus`) or push (insertion_exporters.go). With TOKEN_LEDGER_AUTO=off nothing changes.
//	I2  A pipeline with a token_ledger of any name is left alone, and so is one that gets all its data through `forward`
//	    from such pipelines. One that gets only a part of it that way is left alone with a warning: its totals and its
//	    increments cannot be told apart from here.
//	I3  A pipeline that gets nothing but what `prometheus` receivers scrape is left alone: these are totals already.
//	I4  All exporters that are fed by the same pipelines, are reached in the same way (pull or push) and show the same
//	    parts of resource and scope (T0) share one token_ledger, for they need the same settings.
//	I5  A pipeline all of whose exporters share one, beside neutral exporters, gets it at its end, in place.
//	I6  Every other pipeline keeps what it has except those exporters, and hands its data to a pipeline of theirs through a
//	    `forward` connector. So other exporters, and connectors, get their data as ever (insertion_branches.go).
//	I7  Neutral exporters go with the exporters that they stand beside, so that they see corrected data, if nothing else
//	    keeps the data of their pipeline; otherwise they stay and see what came in.
//	I8  Several pipelines that feed one exporter are joined before one token_ledger: two would write their totals over
//	    each other. But if they bring it the same data, all points of the same receivers, each keeps its own: then equal
//	    series have equal totals, and joined they would count twice. Where only a part is the same, it counts once if
//	    the points are equal (D3a, D3b, T3), and if processors may have made them different, a warning says so.
//	I9  delta_to_cumulative gives way (insertion_fork.go) where nothing behind it in the pipeline depends on totals. It
//	    stays for other exporters: then the pipeline forks before it.
//	I10 A batch leaves the way to token_ledger (insertion_batch.go); one that stays is a warning.
//	I11 What runs twice changes nothing the second time: each pipeline that was changed falls under I1 or I2 then.
//
// The settings of each token_ledger: insertion_settings.go; those of pushed exporters behind it: insertion_delivery.go.

// insert puts token_ledger where metrics go to Prometheus.
func insert(document *document, environment environment, report *report) error {
	mode, err := environment.automation()
	if err != nil || mode == automationOff {
		return err
	}
	graph := newGraph(document)
	graph.promoted = environment.promoted()
	graph.warnMixed(report)
	if !graph.feedsPrometheus() {
		return nil
	}
	surroundings, err := look(graph, environment, mode, report)
	if err != nil {
		return err
	}
	graph.clear(report)
	ledgers := graph.plan()
	for _, ledger := range ledgers {
		graph.place(ledger)
		graph.processors[ledger.id] = surroundings.settings(graph, ledger)
		graph.report(ledger, surroundings, report)
	}
	graph.warnRetries(ledgers, report)
	graph.informReplicas(ledgers, report)
	graph.deliver(ledgers, report)
	return graph.write()
}
