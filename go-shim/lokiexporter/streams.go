// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/logproto"
)

// The hints: attributes of a record or its resource that say how to send it. They are never part of a line.
const (
	hintAttributeLabels = "loki.attribute.labels"
	hintResourceLabels  = "loki.resource.labels"
	hintTenant          = "loki.tenant"
	hintFormat          = "loki.format"
)

// Values of hintFormat.
const (
	formatJSON   = "json"
	formatLogfmt = "logfmt"
	formatRaw    = "raw"
)

// converted is what a batch becomes.
type converted struct {
	streams []logproto.Stream
	// unlabelled counts records that have the label exporter="OTLP" only because Loki takes none without a label.
	unlabelled int
	// unknownFormat counts records whose hintFormat is none of the three; they are written as JSON.
	unknownFormat int
}

// streams puts the records of a batch into streams, one for each set of labels, in the order in which they first occur.
// Entries of a stream are in the order of time: a Loki that takes no unordered writes refuses others. Every record
// becomes exactly one entry.
func (e *lokiExporter) streams(ld plog.Logs) converted {
	var out converted
	index := map[string]int{}
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				labels := labelsOf(e.config.DefaultLabelsEnabled, rl.Resource().Attributes(), record)
				if labels.fallback {
					out.unlabelled++
				}
				entry := logproto.Entry{Time: e.timeOf(record)}
				var known bool
				entry.Line, known = lineOf(rl.Resource().Attributes(), sl.Scope(), record, labels)
				if !known {
					out.unknownFormat++
				}
				name := labels.String()
				i, ok := index[name]
				if !ok {
					i = len(out.streams)
					index[name] = i
					out.streams = append(out.streams, logproto.Stream{Labels: name})
				}
				out.streams[i].Entries = append(out.streams[i].Entries, entry)
			}
		}
	}
	for i := range out.streams {
		slices.SortStableFunc(out.streams[i].Entries, func(a, b logproto.Entry) int { return a.Time.Compare(b.Time) })
	}
	return out
}

// timeOf is when a record's event happened, else when it was observed, else now. A time in OTLP reaches beyond what
// fits into nanoseconds with a sign, so seconds and nanoseconds are taken apart first.
func (e *lokiExporter) timeOf(record plog.LogRecord) time.Time {
	at := record.Timestamp()
	if at == 0 {
		at = record.ObservedTimestamp()
	}
	if at == 0 {
		return e.now()
	}
	return time.Unix(int64(at/1e9), int64(at%1e9))
}

// lineOf writes a record in the format that its hint asks for, the resource's hint before the record's. An unknown format
// (known is false) becomes JSON: the line is there, and whoever misspelt the hint sees it.
func lineOf(resource pcommon.Map, scope pcommon.InstrumentationScope, record plog.LogRecord, labels labelSet) (line string, known bool) {
	format, known := formatOf(resource, record.Attributes())
	switch format {
	case formatLogfmt:
		line = logfmtLine(resource, scope, record, labels)
	case formatRaw:
		line = text(record.Body())
	default:
		line = jsonLine(resource, scope, record, labels)
	}
	return strings.ToValidUTF8(line, "\uFFFD"), known
}

func formatOf(resource, record pcommon.Map) (format string, known bool) {
	hint, ok := resource.Get(hintFormat)
	if !ok {
		if hint, ok = record.Get(hintFormat); !ok {
			return formatJSON, true
		}
	}
	switch format := strings.TrimSpace(text(hint)); format {
	case formatJSON, formatLogfmt, formatRaw:
		return format, true
	default:
		return formatJSON, false
	}
}

// isHint tells whether an attribute is for the exporter and not for a reader.
func isHint(key string) bool {
	switch key {
	case hintAttributeLabels, hintResourceLabels, hintTenant, hintFormat:
		return true
	default:
		return false
	}
}
