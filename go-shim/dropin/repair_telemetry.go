// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// defaultTelemetryPort is where the collector shows its own metrics if nothing is written.
const defaultTelemetryPort = 8888

var (
	telemetryMetrics = []string{"service", "telemetry", "metrics"}
	telemetryReaders = []string{"service", "telemetry", "metrics", "readers"}
	telemetryAddress = []string{"service", "telemetry", "metrics", "address"}
	telemetryLevel   = []string{"service", "telemetry", "metrics", "level"}
)

// repairTelemetryAddress turns `service::telemetry::metrics::address`, which core refuses since v0.123, into a reader of
// the same address. No address meant no metrics, so the level becomes none.
func repairTelemetryAddress(document *document, _ environment, report *report) error {
	if !document.has(telemetryAddress...) {
		return nil
	}
	address := document.text(telemetryAddress...)
	if address == "" {
		document.remove(telemetryAddress...)
		if document.has(telemetryReaders...) {
			report.warn(ruleSelfMetricsReader, telemetryAddress, "address is no longer a setting, and was empty: remove it")
			return nil
		}
		report.warn(ruleSelfMetricsReader, telemetryAddress,
			"no address meant no metrics of the collector's own, so their level is none: write level: none")
		return document.set("none", telemetryLevel...)
	}
	host, port, ok := splitAddress(address)
	if !ok {
		report.warn(ruleSelfMetricsReader, telemetryAddress,
			"address is no longer a setting, and %q has no number of a port to make a reader of: write "+
				"readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: %d}}}}]", address, defaultTelemetryPort)
		return nil
	}
	document.remove(telemetryAddress...)
	readers, _ := plain(document.raw(telemetryReaders...)).([]any)
	report.warn(ruleSelfMetricsReader, telemetryAddress, "address is refused since v0.123 and became a reader: write "+
		"readers: [{pull: {exporter: {prometheus: {host: %q, port: %d}}}}]", host, port)
	return document.set(append(readers, pullReader(host, port)), telemetryReaders...)
}

// repairTelemetryHost makes the collector's own metrics reachable from outside its container, as they were before core
// v0.111 moved them to localhost: where the image says which address to listen on, and nothing is written about readers.
func repairTelemetryHost(document *document, environment environment, report *report) error {
	host, _ := environment.lookup(hostVariable)
	host = strings.TrimSpace(host)
	if host == "" || onlyHere(host) || !document.has("service", "pipelines") {
		return nil
	}
	if document.has(telemetryReaders...) || document.has(telemetryAddress...) {
		return nil
	}
	if strings.EqualFold(document.text(telemetryLevel...), "none") {
		return nil
	}
	if written := document.get(telemetryMetrics...); written != nil {
		if _, ok := written.(map[string]any); !ok {
			return nil // which the collector reports
		}
	}
	report.inform(ruleSelfMetricsHost, telemetryReaders,
		"the collector's own metrics listen on %s (%s): write readers yourself to change that",
		net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(defaultTelemetryPort)), hostVariable)
	return document.set([]any{pullReader(host, defaultTelemetryPort)}, telemetryReaders...)
}

// onlyHere tells whether an address is that of this machine only, where the default reader listens as it is.
func onlyHere(host string) bool {
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && address.IsLoopback()
}

// pullReader is the reader that service v0.158.0 has by default, elsewhere. What makes up the metrics' names is written
// out, though it is the default of a written reader too: dashboards depend on it.
func pullReader(host string, port int) any {
	return map[string]any{"pull": map[string]any{"exporter": map[string]any{"prometheus": map[string]any{
		"host":                host,
		"port":                port,
		"without_scope_info":  true,
		"without_type_suffix": true,
		"without_units":       true,
	}}}}
}

// splitAddress reads "0.0.0.0:8888", "[::]:8888", ":8888" (all addresses: an empty host) and "8888".
func splitAddress(address string) (host string, port int, ok bool) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		host, text = "", address
	}
	port, err = strconv.Atoi(text)
	return host, port, err == nil && port > 0 && port < 1<<16
}
