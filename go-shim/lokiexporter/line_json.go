// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"encoding/hex"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// The names in a line, in the order in which they are written. They, and what is left out when empty, are those of the
// removed exporter: `| json` makes attributes_tool_name, resources_service_name and so on of them.
const (
	nameBody       = "body"
	nameTraceID    = "traceid"
	nameSpanID     = "spanid"
	nameSeverity   = "severity"
	nameFlags      = "flags"
	nameAttributes = "attributes"
	nameResources  = "resources"
	nameScope      = "instrumentation_scope"
)

// usualLine is more than most lines of coding agents take, in bytes.
const usualLine = 1536

// object is a JSON object that is being written. A member without a value is left out.
type object []byte

// member begins a member; what is appended next is its value.
func (o object) member(name string) object {
	if len(o) > 0 && o[len(o)-1] != '{' {
		o = append(o, ',')
	}
	return append(appendString(o, name, true), ':')
}

func (o object) text(name, value string) object {
	if value == "" {
		return o
	}
	return appendString(o.member(name), value, true)
}

func (o object) attributes(name string, all []entry) object {
	if len(all) == 0 {
		return o
	}
	return appendMap(o.member(name), all, 0)
}

// jsonLine writes a record without what the labels of its stream say already.
func jsonLine(resource pcommon.Map, scope pcommon.InstrumentationScope, record plog.LogRecord, labels labelSet) string {
	line := append(make(object, 0, usualLine), '{')
	if record.Body().Type() != pcommon.ValueTypeEmpty {
		line = appendJSON(line.member(nameBody), record.Body(), 0)
	}
	line = line.text(nameTraceID, traceID(record)).text(nameSpanID, spanID(record)).text(nameSeverity, record.SeverityText())
	if record.Flags() != 0 {
		line = strconv.AppendUint(line.member(nameFlags), uint64(record.Flags()), 10)
	}
	line = line.attributes(nameAttributes, entries(record.Attributes(), func(key string) bool { return labels.hides(ofRecord, key) }))
	line = line.attributes(nameResources, entries(resource, func(key string) bool { return labels.hides(ofResource, key) }))
	if scope.Name() != "" {
		line = append(line.member(nameScope), '{')
		line = line.text("name", scope.Name()).text("version", scope.Version())
		line = append(line.attributes("attributes", entries(scope.Attributes(), nil)), '}')
	}
	return string(append(line, '}'))
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
