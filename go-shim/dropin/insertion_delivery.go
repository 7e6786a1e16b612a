// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// How pushed exporters behind a token_ledger deliver. A counter begins with a 0 and its first value comes a request later
// (D6). Prometheus takes the samples of a series in the order of time only, so a 0 that is overtaken, or given up while
// the store is away, cannot come later: increase() then misses the first value, for good.
//
//	Q1  `otlp_http` sends one request at a time, `sending_queue::num_consumers: 1`, whatever was written: by itself it has 10
//	    consumers, and what waited during an absence comes back in any order. `sizer` does not matter; with
//	    `sending_queue::batch`, consumers are the batches that are under way at a time. An exporter that other signals use
//	    too sends theirs one at a time as well, for settings are per exporter: slower is less bad than lost. But it keeps
//	    what it has if it sends to Grafana Cloud or VictoriaMetrics, which take samples out of order (within two hours,
//	    and always).
//	Q2  `otlp_http` repeats each request until it arrives, `retry_on_failure::max_elapsed_time: 0s`, if nothing else was written;
//	    by itself it gives up after 5 minutes. What waits is bounded by the queue, and when that is full token_ledger
//	    hears of it and sends again what changed (L4). When the collector stops, repeating ends.
//	Q3  `prometheus_remote_write` gives a request 5 minutes, `timeout: 5m`, if nothing was written. This setting bounds each
//	    attempt and all attempts together, and is 5 seconds by itself, shorter than any restart. It is not endless: a
//	    connection that hangs blocks the queue for as long, and so does, while the store is away, each waiting request
//	    when the collector stops. `retry_on_failure::max_elapsed_time` is 5 minutes too. Of an absence that is longer,
//	    one request each 5 minutes is lost; the others wait in the queue, which has one consumer and holds 10,000.
//	Q4  Without a queue token_ledger waits for each request, also when the collector stops. Then requests are in order, and
//	    nothing is made longer. With `wal` of `prometheus_remote_write`, where requests wait in files and `timeout` is no
//	    bound of all attempts, nothing is set either.
//	Q5  What was written and bridges less than 5 minutes stays, with a warning.
//
// Sources: exporterhelper, otlphttpexporter and prometheusremotewriteexporter v0.158.0, configretry v1.64.0.

// deliveryRule is the rule under which all of this is reported.
const deliveryRule = "token-ledger-delivery"

// bridged is the absence of a store that loses nothing, unless somebody wrote otherwise. It is also the default of
// `retry_on_failure::max_elapsed_time` (configretry v1.64.0).
const bridged = 5 * time.Minute

// defaultPushTimeout is the default of `timeout` of `prometheus_remote_write` (v0.158.0).
const defaultPushTimeout = 5 * time.Second

// delivery is what becomes of one exporter: its new settings, what they do, and what still loses first values.
type delivery struct {
	graph    *graph
	exporter exporter
	settings map[string]any
	done     []string
	lacking  string // what was written and loses first values
	remedy   string
}

// deliver sets the pushed exporters of token_ledgers so that first values arrive, in order.
func (g *graph) deliver(ledgers []*ledger, report *report) {
	known := map[string]bool{} // one exporter may have several token_ledgers (I8)
	for _, l := range ledgers {
		for _, e := range l.exporters {
			if e.kind != push || known[e.id] || !g.configurable(e.id) {
				continue
			}
			known[e.id] = true
			d := &delivery{graph: g, exporter: e, settings: map[string]any{}}
			if e.server != "" {
				d.overOTLP()
			} else {
				d.byRemoteWrite()
			}
			if len(d.settings) > 0 {
				g.exporters[g.declared("exporters", e.id)] = d.settings
			}
			d.report(report)
		}
	}
}

// configurable tells whether an exporter is declared and has settings, or none, where settings belong: what is written
// in another form stays, so that the collector can say what is wrong with it.
func (g *graph) configurable(id string) bool {
	key := g.declared("exporters", id)
	if !g.taken["exporters/"+id] {
		return false
	}
	for _, path := range [][]string{{}, {"sending_queue"}, {"remote_write_queue"}, {"retry_on_failure"}} {
		switch g.document.get(slices.Concat([]string{"exporters", key}, path)...).(type) {
		case nil, map[string]any:
		default:
			return false
		}
	}
	return true
}

// written returns a setting as it was written, nil for none.
func (d *delivery) written(path ...string) any {
	return d.graph.document.get(slices.Concat([]string{"exporters", d.graph.declared("exporters", d.exporter.id)}, path)...)
}

// disabled tells whether a part of the exporter is switched off.
func (d *delivery) disabled(part string) bool {
	enabled := d.written(part, "enabled")
	return enabled != nil && !truth(enabled)
}

// overOTLP is Q1 and Q2.
func (d *delivery) overOTLP() {
	queued := !d.disabled("sending_queue")
	if consumers := d.written("sending_queue", "num_consumers"); queued && severalOf(consumers) && !d.takesDisorder() {
		d.settings["sending_queue"] = map[string]any{"num_consumers": 1}
		instead := ""
		if consumers != nil {
			instead = fmt.Sprintf(" instead of %v", consumers)
		}
		d.done = append(d.done, "sends one request at a time (sending_queue::num_consumers: 1"+instead+")")
	}
	elapsed := d.written("retry_on_failure", "max_elapsed_time")
	switch {
	case d.disabled("retry_on_failure"):
		d.once()
	case elapsed != nil:
		d.bound("retry_on_failure::max_elapsed_time", elapsed)
	case queued:
		d.settings["retry_on_failure"] = map[string]any{"max_elapsed_time": "0s"}
		d.done = append(d.done, "repeats each request until it arrives (retry_on_failure::max_elapsed_time: 0s)")
	}
}

// byRemoteWrite is Q3.
func (d *delivery) byRemoteWrite() {
	timeout := d.written("timeout")
	switch {
	case d.written("wal") != nil:
		return
	case d.disabled("retry_on_failure"):
		d.once()
		return
	case timeout != nil:
		d.bound("timeout", timeout)
	case d.disabled("remote_write_queue"):
		d.lacking = fmt.Sprintf("gives a request up after %s (remote_write_queue::enabled: false, and no timeout)", defaultPushTimeout)
		d.remedy = "leave the queue on, or write timeout: 5m"
	default:
		d.settings["timeout"] = "5m"
		d.done = append(d.done, "tries each request for up to 5 minutes (timeout: 5m)")
	}
	if elapsed := d.written("retry_on_failure", "max_elapsed_time"); elapsed != nil && d.lacking == "" {
		d.bound("retry_on_failure::max_elapsed_time", elapsed)
	}
}

// bound notes a written limit that is too short (Q5). 0 is none.
func (d *delivery) bound(setting string, value any) {
	if limit, ok := duration(value); ok && limit > 0 && limit < bridged {
		d.lacking, d.remedy = fmt.Sprintf("gives a request up after %s (%s)", limit, setting), "leave that out, or write at least 5m"
	}
}

// once notes that nothing is repeated (Q5).
func (d *delivery) once() {
	d.lacking, d.remedy = "gives a request up when it fails once (retry_on_failure::enabled: false)", "leave that out"
}

// takesDisorder tells whether the order of requests matters less than the other signals of an exporter (Q1).
func (d *delivery) takesDisorder() bool {
	if d.exporter.server != grafanaCloud && d.exporter.server != victoriaMetrics {
		return false
	}
	return slices.ContainsFunc(d.graph.document.pipelines(), func(p pipeline) bool {
		return strings.TrimSpace(p.signal) != "metrics" && slices.Contains(tidy(p.exporters), d.exporter.id)
	})
}

// severalOf tells whether a number of consumers is another than 1, as it is by default. What is no number stays, so that
// the collector can refuse it.
func severalOf(consumers any) bool {
	switch consumers := consumers.(type) {
	case nil:
		return true
	case int:
		return consumers != 1
	}
	return false
}

// report says what was done, and what is lacking, in one line for each exporter.
func (d *delivery) report(report *report) {
	place := []string{"exporters", d.graph.declared("exporters", d.exporter.id)}
	done := strings.Join(d.done, " and ")
	switch {
	case d.lacking != "":
		if done != "" {
			done += "; but it "
		}
		report.warn(deliveryRule, place, "%s %s%s: the first 0 of each new series in it is lost then, and increase() misses the first value for good: %s",
			d.exporter.id, done, d.lacking, d.remedy)
	case done != "":
		report.inform(deliveryRule, place, "%s %s, so that no first 0 of a series is lost or overtaken while the store is away", d.exporter.id, done)
	}
}
