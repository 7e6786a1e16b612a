// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kinds of exporters.
//
//	E1  `prometheus` is pulled.
//	E2  `prometheus_remote_write` pushes to Prometheus. So does `otlp_http` if the path of its metrics URL has the parts
//	    `/api/v1/otlp` (Prometheus, Cortex) or `/opentelemetry` (VictoriaMetrics), or begins with `/otlp` on a host of Grafana
//	    Cloud or one with `mimir` in a part of its name. Loki has `/otlp` as well, so the path alone says nothing.
//	E3  `nop` is neutral: it takes what it gets.
//	E4  Everything else is foreign: what reads it is unknown and may want the data as the clients sent it. So are `debug` and
//	    `file`: they are there to show what comes in, and behind a token_ledger they would write all idle totals each
//	    minute (L2), 35 MB a day for two idle sessions in a container's log.
//
// What they show of resource and scope (T0):
//
//	E5  `prometheus` and `prometheus_remote_write` say it in their settings.
//	E6  With `otlp_http` the server decides, and each kind is taken as it comes: Prometheus and Mimir show nothing,
//	    VictoriaMetrics everything. Either mistake is wrong: streams that the server cannot tell apart overwrite each other,
//	    and streams that were added up here but not there move from series to series. So a report names the assumption.
//	E7  The variable TOKEN_LEDGER_PROMOTE names the resource attributes that these servers make labels, all of them the
//	    same ones, instead of E6: a list separated by commas, or `all`.

// kind says what reads an exporter's data.
type kind int

const (
	foreign kind = iota
	neutral
	pull
	push
)

func (k kind) String() string {
	return [...]string{"foreign", "neutral", "pulled", "pushed"}[k]
}

// shown is what an exporter, or the server behind it, turns into labels beside job, instance and the points' attributes.
type shown struct {
	resource bool // all resource attributes
	scope    bool // name, version and attributes of the scope

	attributes string // resource attributes if not all, separated by commas, sorted
}

// promoted is the value of TOKEN_LEDGER_PROMOTE (E7). The zero value: nothing is said.
type promoted struct {
	all        bool
	attributes string // as in shown
}

func (e environment) promoted() promoted {
	value, _ := e.lookup(promoteVariable)
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	if slices.Contains(names, "all") {
		return promoted{all: true}
	}
	slices.Sort(names)
	return promoted{attributes: strings.Join(slices.Compact(names), ",")}
}

// applied returns what a server shows that by itself shows something else.
func (p promoted) applied(labels shown) shown {
	if p != (promoted{}) {
		labels.resource, labels.attributes = p.all, p.attributes
	}
	return labels
}

// exporter is what matters here of an exporter's settings.
type exporter struct {
	id         string
	kind       kind
	shown      shown
	server     string        // for `otlp_http`, the kind of server that the URL belongs to
	expiration time.Duration // for `pull`: a series leaves the page when nothing came for so long
}

// Servers behind `otlp_http` that take samples out of order (Q1).
const (
	grafanaCloud    = "Grafana Cloud"
	victoriaMetrics = "VictoriaMetrics"
)

// defaultExpiration is the default of `metric_expiration` (prometheusexporter v0.158.0).
const defaultExpiration = 5 * time.Minute

// exporter reads the settings of an exporter, once. What is not declared has none: the collector says so itself.
func (g *graph) exporter(id string) exporter {
	e, ok := g.read[id]
	if !ok {
		e = g.readExporter(id)
		g.read[id] = e
	}
	return e
}

func (g *graph) readExporter(id string) exporter {
	e := exporter{id: id}
	settings := func(path ...string) any {
		return g.document.get(append([]string{"exporters", g.declared("exporters", id)}, path...)...)
	}
	switch componentType(id) {
	case "nop":
		e.kind = neutral
	case "prometheus":
		e.kind = pull
		e.shown = shown{
			resource: truth(settings("resource_to_telemetry_conversion", "enabled")),
			scope:    !truth(settings("without_scope_info")),
		}
		e.expiration = defaultExpiration
		if expiration, ok := duration(settings("metric_expiration")); ok {
			e.expiration = expiration
		}
	case "prometheus_remote_write", "prometheusremotewrite":
		e.kind = push
		e.shown = shown{
			resource: truth(settings("resource_to_telemetry_conversion", "enabled")),
			scope:    !truth(settings("disable_scope_info")),
		}
	case "otlp_http", "otlphttp":
		if server, labels, ok := prometheusServer(settings); ok {
			e.kind, e.server, e.shown = push, server, g.promoted.applied(labels)
		}
	}
	return e
}

// prometheusServer recognises servers of the Prometheus family by the URL that `otlp_http` sends metrics to (E2, E6).
func prometheusServer(settings func(path ...string) any) (string, shown, bool) {
	address, _ := settings("metrics_endpoint").(string)
	if address == "" {
		endpoint, _ := settings("endpoint").(string)
		if address = strings.TrimRight(endpoint, "/") + "/v1/metrics"; endpoint == "" {
			return "", shown{}, false
		}
	}
	target, err := url.Parse(strings.TrimSpace(address))
	if err != nil || target.Host == "" {
		return "", shown{}, false
	}
	path := "/" + strings.Trim(target.Path, "/") + "/"
	host := strings.ToLower(target.Hostname())
	switch {
	case strings.Contains(path, "/api/v1/otlp/"):
		return "Prometheus", shown{}, true
	case strings.Contains(path, "/opentelemetry/"):
		// -opentelemetry.promoteAllResourceAttributes and -opentelemetry.promoteScopeMetadata, both true by default.
		return victoriaMetrics, shown{resource: true, scope: true}, true
	case strings.HasPrefix(path, "/otlp/") && (host == "grafana.net" || strings.HasSuffix(host, ".grafana.net")):
		return grafanaCloud, shown{}, true
	case strings.HasPrefix(path, "/otlp/") && namesMimir(host):
		return "Mimir", shown{}, true
	}
	return "", shown{}, false
}

// namesMimir finds `mimir` as a word in a host name: mimir, mimir-gateway.monitoring.svc, eu.mimir.example.com.
func namesMimir(host string) bool {
	words := strings.FieldsFunc(host, func(r rune) bool { return r == '.' || r == '-' || r == '_' })
	return slices.Contains(words, "mimir")
}

// truth reads a boolean, also one that is written as text.
func truth(value any) bool {
	switch value := value.(type) {
	case bool:
		return value
	case string:
		return strings.EqualFold(strings.TrimSpace(value), "true")
	}
	return false
}

// duration reads a duration as the collector does: as text, or a number of nanoseconds.
func duration(value any) (time.Duration, bool) {
	switch value := value.(type) {
	case string:
		parsed, err := time.ParseDuration(strings.TrimSpace(value))
		return parsed, err == nil
	case int:
		return time.Duration(value), true
	case int64:
		return time.Duration(value), true
	}
	return 0, false
}
