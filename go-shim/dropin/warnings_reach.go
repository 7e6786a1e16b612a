// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"net"
	"strconv"
	"strings"
)

// otlpPorts are those of the protocols that clients send by.
var otlpPorts = map[string]int{"grpc": 4317, "http": 4318}

// warnOfUnreachable finds servers of the image that listen inside their container only. Collectors before v0.104 listened
// on all addresses where nothing was written, so a configuration of that time lets nobody in any more.
func warnOfUnreachable(document *document, environment environment, report *report) {
	host, _ := environment.lookup(hostVariable)
	if host = strings.TrimSpace(host); host == "" || onlyHere(host) {
		return
	}
	warn := func(path []string, port int) {
		endpoint := document.text(path...)
		inside, _, err := net.SplitHostPort(endpoint)
		if endpoint != "" && (err != nil || !onlyHere(inside)) {
			return
		}
		report.warn(ruleListensHereOnly, path, "it listens on localhost, which no other container reaches: write endpoint: %s",
			net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port)))
	}
	for _, id := range document.components("receivers") {
		for _, protocol := range document.components("receivers", id, "protocols") {
			port, known := otlpPorts[protocol]
			if kind, _ := splitID(id); kind == "otlp" && known && document.used("receivers", id) {
				warn([]string{"receivers", id, "protocols", protocol, "endpoint"}, port)
			}
		}
	}
	for _, id := range document.components("exporters") {
		path := []string{"exporters", id, "endpoint"}
		if kind, _ := splitID(id); kind == "prometheus" && document.used("exporters", id) && document.text(path...) != "" {
			_, port, _ := splitAddress(document.text(path...))
			warn(path, port)
		}
	}
}
