// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"encoding/hex"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// jsonRecord is a line in JSON. Names, order and what is left out when empty are those of the removed exporter: `| json`
// makes attributes_tool_name, resources_service_name and so on of them.
type jsonRecord struct {
	Body       any            `json:"body,omitempty"`
	TraceID    string         `json:"traceid,omitempty"`
	SpanID     string         `json:"spanid,omitempty"`
	Severity   string         `json:"severity,omitempty"`
	Flags      uint32         `json:"flags,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
	Resources  map[string]any `json:"resources,omitempty"`
	Scope      *jsonScope     `json:"instrumentation_scope,omitempty"`
}

type jsonScope struct {
	Name       string         `json:"name,omitempty"`
	Version    string         `json:"version,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

func jsonLine(resource pcommon.Map, scope pcommon.InstrumentationScope, record plog.LogRecord, labels labelSet) string {
	line := jsonRecord{
		Body:       plain(record.Body(), 0),
		TraceID:    traceID(record),
		SpanID:     spanID(record),
		Severity:   record.SeverityText(),
		Flags:      uint32(record.Flags()),
		Attributes: plainMap(record.Attributes(), func(key string) bool { return labels.hides(ofRecord, key) }, 0),
		Resources:  plainMap(resource, func(key string) bool { return labels.hides(ofResource, key) }, 0),
	}
	if scope.Name() != "" {
		line.Scope = &jsonScope{Name: scope.Name(), Version: scope.Version(), Attributes: plainMap(scope.Attributes(), nil, 0)}
	}
	return string(compact(line, true))
}

// traceID is in hexadecimal, empty if there is none.
func traceID(record plog.LogRecord) string {
	id := record.TraceID()
	if id.IsEmpty() {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// spanID is in hexadecimal, empty if there is none.
func spanID(record plog.LogRecord) string {
	id := record.SpanID()
	if id.IsEmpty() {
		return ""
	}
	return hex.EncodeToString(id[:])
}
