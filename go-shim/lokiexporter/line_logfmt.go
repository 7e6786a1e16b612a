// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// field is a key and its value as text.
type field struct{ key, value string }

// fields are those of a line, in order.
type fields []field

// logfmtLine writes a record as key=value, with the keys of the removed exporter: the body's own or msg, traceID, spanID,
// severity, flags, attribute_..., resource_..., instrumentation_scope_...
func logfmtLine(resource pcommon.Map, scope pcommon.InstrumentationScope, record plog.LogRecord, labels labelSet) string {
	var line fields
	line.addBody(record.Body())
	line.replace("traceID", traceID(record))
	line.replace("spanID", spanID(record))
	line.replace("severity", record.SeverityText())
	if record.Flags() != 0 {
		line.replace("flags", strconv.FormatUint(uint64(record.Flags()), 10))
	}
	for key, value := range record.Attributes().All() {
		if !labels.hides(ofRecord, key) {
			line.add("attribute_"+key, value, 0)
		}
	}
	for key, value := range resource.All() {
		if !labels.hides(ofResource, key) {
			line.add("resource_"+key, value, 0)
		}
	}
	if scope.Name() != "" {
		line = append(line, field{"instrumentation_scope_name", scope.Name()})
		if scope.Version() != "" {
			line = append(line, field{"instrumentation_scope_version", scope.Version()})
		}
		for key, value := range scope.Attributes().All() {
			line.add("instrumentation_scope_attribute_"+key, value, 0)
		}
	}
	return line.String()
}

// addBody takes the fields of a body that has some: a map, or a text that is logfmt itself.
func (f *fields) addBody(body pcommon.Value) {
	switch body.Type() {
	case pcommon.ValueTypeEmpty:
	case pcommon.ValueTypeMap:
		f.add("", body, 0)
	case pcommon.ValueTypeSlice:
		f.add("body", body, 0)
	case pcommon.ValueTypeStr:
		if own, ok := parseLogfmt(body.Str()); ok {
			*f = append(*f, own...)
			return
		}
		*f = append(*f, field{"msg", body.Str()})
	default:
		f.add("msg", body, 0)
	}
}

// add takes a value apart: what is in lists and maps gets the path to it as its key, with _ between.
func (f *fields) add(key string, value pcommon.Value, depth int) {
	prefix := key
	if prefix != "" {
		prefix += "_"
	}
	switch value.Type() {
	case pcommon.ValueTypeEmpty:
	case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		if depth >= maxDepth {
			*f = append(*f, field{key, tooDeep})
			return
		}
		if value.Type() == pcommon.ValueTypeMap {
			for name, element := range value.Map().All() {
				f.add(prefix+name, element, depth+1)
			}
			return
		}
		for i, element := range value.Slice().All() {
			f.add(prefix+strconv.Itoa(i), element, depth+1)
		}
	case pcommon.ValueTypeBytes:
		*f = append(*f, field{key, bytesAsText(value)})
	default:
		*f = append(*f, field{key, text(value)})
	}
}

// bytesAsText shows bytes that are text as they are, others in base64.
func bytesAsText(value pcommon.Value) string {
	if raw := value.Bytes().AsRaw(); utf8.Valid(raw) {
		return string(raw)
	}
	return value.AsString()
}

// replace sets a key that the body may have brought. An empty value changes nothing.
func (f *fields) replace(key, value string) {
	if value == "" {
		return
	}
	for i := range *f {
		if (*f)[i].key == key {
			(*f)[i].value = value
			return
		}
	}
	*f = append(*f, field{key, value})
}

// String writes the fields with spaces between them.
func (f fields) String() string {
	var b strings.Builder
	for _, one := range f {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(logfmtKey(one.key))
		b.WriteByte('=')
		if strings.ContainsFunc(one.value, needsQuotes) {
			b.Write(appendString(nil, one.value, false))
		} else {
			b.WriteString(one.value)
		}
	}
	return b.String()
}

// needsQuotes tells the characters that end a value, and those that JSON writes as escapes.
func needsQuotes(r rune) bool {
	return r <= ' ' || r == '=' || r == '"' || r == utf8.RuneError || r == 0x7f
}

// logfmtKey leaves out what a key cannot hold. A key of nothing else is _, so that its value stays.
func logfmtKey(key string) string {
	key = strings.Map(func(r rune) rune {
		if needsQuotes(r) {
			return -1
		}
		return r
	}, key)
	if key == "" {
		return "_"
	}
	return key
}

// parseLogfmt reads a text in which every word is key=value. Anything else, such as a sentence or several lines, is no
// logfmt: it stays one text and can be searched for as such.
func parseLogfmt(line string) (fields, bool) {
	var out fields
	for rest := strings.Trim(line, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, after, ok := strings.Cut(rest, "=")
		if !ok || key == "" || strings.ContainsFunc(key, needsQuotes) {
			return nil, false
		}
		value, end := after, strings.IndexByte(after, ' ')
		if strings.HasPrefix(after, `"`) {
			end = endOfQuotes(after)
			if end < 0 || json.Unmarshal([]byte(after[:end]), &value) != nil || (end < len(after) && after[end] != ' ') {
				return nil, false
			}
		} else {
			if end < 0 {
				end = len(after)
			}
			value = after[:end]
			if strings.ContainsFunc(value, needsQuotes) {
				return nil, false
			}
		}
		out = append(out, field{key, value})
		rest = after[end:]
	}
	return out, len(out) > 0
}

// endOfQuotes is the position behind a quoted text, -1 if it does not end.
func endOfQuotes(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}
