// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"slices"
	"strings"
)

// part is one component of the distribution.
type part struct {
	section string   // "receivers", "processors" ...
	types   []string // its type, then older names under which the collector takes it too
	module  string   // how its line in builder-config.yaml ends, without the version
}

// shippedParts are those of builder-config.yaml; a test compares. The names are those that contrib and core v0.158.0 register
// (type and deprecated_type in each metadata.yaml).
var shippedParts = []part{
	{"receivers", []string{"otlp"}, "receiver/otlpreceiver"},
	{"receivers", []string{"kafka"}, "receiver/kafkareceiver"},
	{"receivers", []string{"prometheus"}, "receiver/prometheusreceiver"},
	{"processors", []string{"batch"}, "processor/batchprocessor"},
	{"processors", []string{"memory_limiter"}, "processor/memorylimiterprocessor"},
	{"processors", []string{"attributes"}, "processor/attributesprocessor"},
	{"processors", []string{"filter"}, "processor/filterprocessor"},
	{"processors", []string{"groupbyattrs"}, "processor/groupbyattrsprocessor"},
	{"processors", []string{"interval"}, "processor/intervalprocessor"},
	{"processors", []string{"metrics_transform", "metricstransform"}, "processor/metricstransformprocessor"},
	{"processors", []string{"redaction"}, "processor/redactionprocessor"},
	{"processors", []string{"resource"}, "processor/resourceprocessor"},
	{"processors", []string{"transform"}, "processor/transformprocessor"},
	{"processors", []string{"token_ledger"}, "go-shim/tokenledgerprocessor"},
	{"processors", []string{"delta_to_cumulative", "deltatocumulative"}, "go-shim/deltatocumulativeprocessor"},
	{"processors", []string{"prometheus_labels"}, "go-shim/prometheuslabelsprocessor"},
	{"exporters", []string{"debug"}, "exporter/debugexporter"},
	{"exporters", []string{"nop"}, "exporter/nopexporter"},
	{"exporters", []string{"otlp_grpc", "otlp"}, "exporter/otlpexporter"},
	{"exporters", []string{"otlp_http", "otlphttp"}, "exporter/otlphttpexporter"},
	{"exporters", []string{"file"}, "exporter/fileexporter"},
	{"exporters", []string{"kafka"}, "exporter/kafkaexporter"},
	{"exporters", []string{"load_balancing", "loadbalancing"}, "exporter/loadbalancingexporter"},
	{"exporters", []string{"prometheus"}, "exporter/prometheusexporter"},
	{"exporters", []string{"prometheus_remote_write", "prometheusremotewrite"}, "exporter/prometheusremotewriteexporter"},
	{"exporters", []string{"loki"}, "go-shim/lokiexporter"},
	{"connectors", []string{"forward"}, "connector/forwardconnector"},
	{"connectors", []string{"count"}, "connector/countconnector"},
	{"connectors", []string{"routing"}, "connector/routingconnector"},
	{"connectors", []string{"token_ledger"}, "go-shim/tokenledgerconnector"},
	{"extensions", []string{"zpages"}, "extension/zpagesextension"},
	{"extensions", []string{"basicauth"}, "extension/basicauthextension"},
	{"extensions", []string{"bearertokenauth"}, "extension/bearertokenauthextension"},
	{"extensions", []string{"headers_setter"}, "extension/headerssetterextension"},
	{"extensions", []string{"health_check"}, "extension/healthcheckextension"},
	{"extensions", []string{"oidc"}, "extension/oidcauthextension"},
	{"extensions", []string{"pprof"}, "extension/pprofextension"},
	{"extensions", []string{"sigv4auth"}, "extension/sigv4authextension"},
	{"extensions", []string{"file_storage"}, "storage/filestorage"},
}

// sections of a configuration that hold components.
var sections = []string{"receivers", "processors", "exporters", "connectors", "extensions"}

// shipped tells whether the distribution takes a type.
func shipped(section, kind string) bool {
	return slices.ContainsFunc(shippedParts, func(part part) bool {
		return part.section == section && slices.Contains(part.types, kind)
	})
}

// shippedTypes lists the types of a section by their names of today, sorted.
func shippedTypes(section string) []string {
	var types []string
	for _, part := range shippedParts {
		if part.section == section {
			types = append(types, part.types[0])
		}
	}
	slices.Sort(types)
	return types
}

// spelling returns the type that another one differs from in underscores only: "groupbyattrs" for "group_by_attrs".
func spelling(section, kind string) (string, bool) {
	bare := strings.ReplaceAll(kind, "_", "")
	for _, part := range shippedParts {
		if part.section == section && strings.ReplaceAll(part.types[0], "_", "") == bare {
			return part.types[0], true
		}
	}
	return "", false
}
