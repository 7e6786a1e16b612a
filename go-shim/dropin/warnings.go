// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Rules of the warnings: the first column of their table in README.md.
const (
	ruleDebugDetailed     = "debug-detailed"
	rulePublicDiagnostics = "public-diagnostics"
	ruleAnyOrigin         = "cors-any-origin"
	rulePlainCredentials  = "plain-credentials"
	ruleServiceName       = "service-name-overwritten"
	ruleUnusedComponent   = "unused-component"
	ruleListensHereOnly   = "listens-here-only"
	ruleEmptyVariable     = "empty-variable"
	ruleOldVariable       = "old-variable"
	ruleVariableName      = "variable-name"
)

// warnings in the order in which they are given.
var warnings = []func(*document, environment, *report){
	warnOfDetailedDebug,
	warnOfPublicDiagnostics,
	warnOfAnyOrigin,
	warnOfPlainCredentials,
	warnOfServiceName,
	warnOfUnusedComponents,
	warnOfUnreachable,
	warnOfEmptyVariables,
	warnOfOldVariables,
	warnOfVariableNames,
}

// warn says what works, and stays as it is, but ought to be known by whoever wrote it.
func warn(document *document, environment environment, report *report) error {
	for _, warning := range warnings {
		warning(document, environment, report)
	}
	return nil
}

// warnOfDetailedDebug: the log of a container is read by more people, and kept longer, than anyone thinks of.
func warnOfDetailedDebug(document *document, _ environment, report *report) {
	for _, id := range document.components("exporters") {
		kind, _ := splitID(id)
		detailed := strings.EqualFold(document.text("exporters", id, "verbosity"), "detailed")
		if kind != "debug" || !detailed || !document.used("exporters", id) {
			continue
		}
		report.warn(ruleDebugDetailed, []string{"exporters", id, "verbosity"},
			"detailed output writes all attributes, such as user.email, and prompts where clients send them, into the collector's "+
				"log: write verbosity: basic")
	}
}

// diagnostics are extensions that show the inside of the process to whoever reaches them.
var diagnostics = map[string]bool{"zpages": true, "pprof": true}

func warnOfPublicDiagnostics(document *document, _ environment, report *report) {
	for _, id := range document.components("extensions") {
		kind, _ := splitID(id)
		path := []string{"extensions", id, "endpoint"}
		if !diagnostics[kind] || !document.used("extensions", id) || !everyAddress(document.text(path...)) {
			continue
		}
		report.warn(rulePublicDiagnostics, path, "%s shows the inside of the collector on every address, without a password: "+
			"write localhost, or publish its port in the container on 127.0.0.1 only", kind)
	}
}

// everyAddress tells whether an endpoint listens on all addresses: 0.0.0.0, [::], or no host at all.
func everyAddress(endpoint string) bool {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return host == "" || err == nil && address.IsUnspecified()
}

func warnOfAnyOrigin(document *document, _ environment, report *report) {
	for _, id := range document.components("receivers") {
		path := []string{"receivers", id, "protocols", "http", "cors", "allowed_origins"}
		if kind, _ := splitID(id); kind != "otlp" {
			continue
		}
		if origins := document.names(path...); slices.ContainsFunc(origins, anyOrigin) {
			report.warn(ruleAnyOrigin, path, "any web page that someone opens may write into the totals through their browser, "+
				"while agents, which are no pages, need no cors: remove it, or write the origins that you mean")
		}
	}
}

func anyOrigin(origin string) bool {
	_, host, found := strings.Cut(origin, "://")
	return origin == "*" || found && (host == "*" || host == "*:*")
}

// warnOfPlainCredentials finds exporters and receivers whose passwords or tokens cross a network unencrypted. A name
// without a dot is a container on the same host's network, and a loopback address never leaves the host.
func warnOfPlainCredentials(document *document, _ environment, report *report) {
	for _, id := range document.components("exporters") {
		path := []string{"exporters", id}
		if hasCredentials(document, path) && plainTarget(document, path) {
			report.warn(rulePlainCredentials, append(path, "endpoint"),
				"its password or token goes unencrypted over the network: write an https:// endpoint, or take tls::insecure away")
		}
	}
	for _, id := range document.components("receivers") {
		path := []string{"receivers", id, "protocols"}
		plain := plainServer(document, append(path, "grpc")) || plainServer(document, append(path, "http"))
		if kind, _ := splitID(id); kind == "otlp" && plain {
			report.warn(rulePlainCredentials, path, "clients' passwords or tokens come in unencrypted: "+
				"write tls with cert_file and key_file, unless a proxy in front of it ends TLS")
		}
	}
}

// plainServer tells whether a server asks clients on all addresses for credentials, without encryption.
func plainServer(document *document, path []string) bool {
	setting := func(name string) []string { return append(slices.Clone(path), name) }
	return document.get(setting("auth")...) != nil && !document.has(setting("tls")...) &&
		everyAddress(document.text(setting("endpoint")...))
}

// secretHeaders are those that carry a secret, in lower case.
var secretHeaders = []string{"authorization", "api-key", "x-api-key", "apikey", "token"}

func hasCredentials(document *document, path []string) bool {
	if document.text(append(slices.Clone(path), "auth", "authenticator")...) != "" {
		return true
	}
	return slices.ContainsFunc(document.components(append(slices.Clone(path), "headers")...), func(name string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc(secretHeaders, func(secret string) bool { return strings.HasSuffix(name, secret) })
	})
}

// plainTarget tells whether an exporter sends unencrypted to another host.
func plainTarget(document *document, path []string) bool {
	endpoint := document.text(append(slices.Clone(path), "endpoint")...)
	insecure, _ := document.get(append(slices.Clone(path), "tls", "insecure")...).(bool)
	host := ""
	if target, err := url.Parse(endpoint); err == nil && target.Host != "" {
		if target.Scheme == "https" || target.Scheme != "http" && !insecure {
			return false
		}
		host = target.Hostname()
	} else if insecure {
		host, _, _ = net.SplitHostPort(endpoint)
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return !address.IsLoopback()
	}
	return strings.Contains(host, ".")
}

// warnOfServiceName: service.name is what tells Claude Code, its desktop application and other agents apart.
func warnOfServiceName(document *document, _ environment, report *report) {
	for _, id := range document.components("processors") {
		kind, _ := splitID(id)
		if kind != "resource" || !document.used("processors", id) {
			continue
		}
		path := []string{"processors", id, "attributes"}
		actions, _ := document.get(path...).([]any)
		for i, action := range actions {
			entries, _ := action.(map[string]any)
			verb := strings.ToLower(written(entries["action"]))
			if written(entries["key"]) != "service.name" || verb != "upsert" && verb != "update" || entries["value"] == nil {
				continue
			}
			report.warn(ruleServiceName, append(slices.Clone(path), strconv.Itoa(i)),
				"all agents get the same service.name, so that the desktop application and others cannot be told apart: "+
					"write action: insert")
		}
	}
}

// idle are types that are often declared for later, or that gave way to token_ledger.
var idle = []string{"debug", "nop", "delta_to_cumulative", "deltatocumulative"}

// warnOfUnusedComponents: something that is only declared does nothing, which is easy to miss.
func warnOfUnusedComponents(document *document, _ environment, report *report) {
	if !document.has("service", "pipelines") {
		return
	}
	for _, section := range []string{"processors", "exporters", "extensions"} {
		place := "a pipeline"
		if section == "extensions" {
			place = "service::extensions"
		}
		for _, id := range document.components(section) {
			if kind, _ := splitID(id); !document.used(section, id) && !slices.Contains(idle, kind) {
				report.warn(ruleUnusedComponent, []string{section, id},
					"it does nothing, since it is only declared: name it in %s, or remove it", place)
			}
		}
	}
}
