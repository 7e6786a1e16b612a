// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/confmap/xconfmap"
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
			warn(path, portOf(document.text(path...)))
		}
	}
}

// portOf is the port of an endpoint, 0 if there is none.
func portOf(endpoint string) int {
	_, port, _ := net.SplitHostPort(endpoint)
	number, _ := strconv.Atoi(port)
	return number
}

// warnOfEmptyVariables names the settings that a variable made empty. What a component says of an endpoint or a password
// that is missing does not tell that a variable was meant to give it.
func warnOfEmptyVariables(document *document, _ environment, report *report) {
	for _, section := range append(slices.Clone(sections), "service") {
		for _, path := range emptyBelow(document.raw(section), []string{section}) {
			report.warn(ruleEmptyVariable, path, "a variable made this empty: set the variable, or give it a default (${env:NAME:-value})")
		}
	}
}

// emptyBelow lists, in order, the places where a value as a whole came from a variable and is nothing.
func emptyBelow(value any, path []string) [][]string {
	var places [][]string
	switch value := value.(type) {
	case xconfmap.ExpandedValue:
		if value.Value == nil && value.Original == "" {
			places = append(places, path)
		}
	case map[string]any:
		for key, value := range value {
			places = append(places, emptyBelow(value, append(slices.Clone(path), key))...)
		}
		slices.SortFunc(places, slices.Compare[[]string])
	case []any:
		for i, value := range value {
			places = append(places, emptyBelow(value, append(slices.Clone(path), fmt.Sprint(i)))...)
		}
	}
	return places
}
