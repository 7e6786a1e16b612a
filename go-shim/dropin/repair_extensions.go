// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"maps"
	"slices"

	"go.opentelemetry.io/collector/featuregate"
)

// componentStatusGate turns the settings of the second generation on in health_check v0.158.0.
const componentStatusGate = "extension.healthcheck.useComponentStatus"

// repairHealthCheck translates the settings of the second generation of health checks (`http`, `grpc`,
// `component_health`) to those that health_check takes without its feature gate: an address and a path.
func repairHealthCheck(document *document, _ environment, report *report) error {
	if gateEnabled(componentStatusGate) {
		return nil
	}
	for _, id := range document.components("extensions") {
		kind, _ := splitID(id)
		if kind != "health_check" || !document.has("extensions", id, "http") && !document.has("extensions", id, "grpc") {
			continue
		}
		if err := flattenHealthCheck(document, id); err != nil {
			return err
		}
		report.warn(ruleHealthCheckV2, []string{"extensions", id},
			"this collector's health check answers on one HTTP address, and takes that of http; gRPC and component_health "+
				"are left out: write endpoint and path without http, or start with --feature-gates=%s", componentStatusGate)
	}
	return nil
}

func flattenHealthCheck(document *document, id string) error {
	settings, _ := plain(document.raw("extensions", id, "http")).(map[string]any)
	status, _ := plain(settings["status"]).(map[string]any)
	for _, key := range []string{"http", "grpc", "component_health", "use_v2"} {
		document.remove("extensions", id, key)
	}
	// The page of the second generation is at /status, that of the first at /.
	path := any("/status")
	if written := status["path"]; written != nil {
		path = written
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if key == "status" || key == "config" {
			continue
		}
		if err := document.set(settings[key], "extensions", id, key); err != nil {
			return err
		}
	}
	return document.set(path, "extensions", id, "path")
}

// gateEnabled tells whether a feature gate is on. One that nothing registered is off.
func gateEnabled(id string) bool {
	enabled := false
	featuregate.GlobalRegistry().VisitAll(func(gate *featuregate.Gate) {
		enabled = enabled || gate.ID() == id && gate.IsEnabled()
	})
	return enabled
}

// keepAlive lists what v0.160 calls the settings that v0.158.0 reads beside the address of an HTTP server.
var keepAlive = map[string]string{"idle_timeout": "idle_timeout", "enabled": "keep_alives_enabled"}

// repairKeepAlive translates `keepalive` of HTTP servers, new in v0.160, to the settings of v0.158.0.
func repairKeepAlive(document *document, _ environment, report *report) error {
	for _, server := range httpServers(document) {
		path := append(slices.Clone(server), "keepalive")
		settings, ok := plain(document.raw(path...)).(map[string]any)
		if !ok {
			continue
		}
		document.remove(path...)
		for _, key := range slices.Sorted(maps.Keys(keepAlive)) {
			if settings[key] == nil {
				continue
			}
			if err := document.set(settings[key], append(slices.Clone(server), keepAlive[key])...); err != nil {
				return err
			}
		}
		report.warn(ruleHTTPKeepAlive, path,
			"this collector reads idle_timeout and keep_alives_enabled beside the address, and takes them from keepalive: "+
				"write them without keepalive")
	}
	return nil
}

// httpServers lists the paths of the HTTP servers that components of the distribution open.
func httpServers(document *document) [][]string {
	var servers [][]string
	for _, id := range document.components("receivers") {
		if kind, _ := splitID(id); kind == "otlp" {
			servers = append(servers, []string{"receivers", id, "protocols", "http"})
		}
	}
	for _, id := range document.components("exporters") {
		if kind, _ := splitID(id); kind == "prometheus" {
			servers = append(servers, []string{"exporters", id})
		}
	}
	for _, id := range document.components("extensions") {
		if kind, _ := splitID(id); kind == "zpages" || kind == "health_check" {
			servers = append(servers, []string{"extensions", id})
		}
	}
	return servers
}
