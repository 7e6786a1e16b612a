// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

const (
	// maxDepth of lists and maps within each other. A client can send millions of levels in one request, and the stack
	// that writing them needs ends the process.
	maxDepth = 64
	tooDeep  = "[nested too deeply]"
)

// appendJSON writes a value as encoding/json writes what AsRaw makes of it: keys in order, <, > and & as escapes, bytes in
// base64 (null if there are none). What JSON has no number for becomes a text, as protobuf's JSON has it.
func appendJSON(b []byte, value pcommon.Value, depth int) []byte {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return appendString(b, value.Str(), true)
	case pcommon.ValueTypeBool:
		return strconv.AppendBool(b, value.Bool())
	case pcommon.ValueTypeInt:
		return strconv.AppendInt(b, value.Int(), 10)
	case pcommon.ValueTypeDouble:
		return appendNumber(b, value.Double())
	case pcommon.ValueTypeBytes:
		if value.Bytes().Len() == 0 {
			return append(b, "null"...)
		}
		b = base64.StdEncoding.AppendEncode(append(b, '"'), value.Bytes().AsRaw())
		return append(b, '"')
	case pcommon.ValueTypeMap:
		if depth >= maxDepth {
			return appendString(b, tooDeep, true)
		}
		return appendMap(b, entries(value.Map(), nil), depth+1)
	case pcommon.ValueTypeSlice:
		if depth >= maxDepth {
			return appendString(b, tooDeep, true)
		}
		b = append(b, '[')
		for i, element := range value.Slice().All() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, element, depth+1)
		}
		return append(b, ']')
	default:
		return append(b, "null"...)
	}
}

// entry is a key of a map with its value.
type entry struct {
	key   string
	value pcommon.Value
}

// entries are those of a map in the order of keys, without those that hidden names (nil hides nothing). Of a key that the
// wire has twice the last one counts.
func entries(values pcommon.Map, hidden func(key string) bool) []entry {
	all := make([]entry, 0, values.Len())
	for key, value := range values.All() {
		if hidden == nil || !hidden(key) {
			all = append(all, entry{key, value})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	kept := all[:0]
	for i, one := range all {
		if i+1 == len(all) || all[i+1].key != one.key {
			kept = append(kept, one)
		}
	}
	return kept
}

func appendMap(b []byte, all []entry, depth int) []byte {
	b = append(b, '{')
	for i, one := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, one.key, true), ':')
		b = appendJSON(b, one.value, depth)
	}
	return append(b, '}')
}

// wordFor is the text for a number that JSON does not have, empty for all others.
func wordFor(number float64) string {
	switch {
	case math.IsNaN(number):
		return "NaN"
	case math.IsInf(number, 1):
		return "Infinity"
	case math.IsInf(number, -1):
		return "-Infinity"
	default:
		return ""
	}
}

func appendNumber(b []byte, number float64) []byte {
	if word := wordFor(number); word != "" {
		return appendString(b, word, true)
	}
	text, _ := json.Marshal(number) // it fails for the three above only
	return append(b, text...)
}

// appendString writes a text in quotes. Most have nothing to escape; the library does the others, which it also makes
// valid UTF-8. escapeHTML writes <, > and & as escapes.
func appendString(b []byte, text string, escapeHTML bool) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || escapeHTML && (c == '<' || c == '>' || c == '&') {
			return appendEscaped(b, text, escapeHTML)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

func appendEscaped(b []byte, text string, escapeHTML bool) []byte {
	buffer := bytes.NewBuffer(b)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(escapeHTML)
	_ = encoder.Encode(text) // a text can always be written
	return bytes.TrimSuffix(buffer.Bytes(), []byte{'\n'})
}

// text writes a value as the text of a label or a raw line: lists and maps as JSON, everything else as OpenTelemetry
// writes it.
func text(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		return string(appendJSON(nil, value, 0))
	case pcommon.ValueTypeDouble:
		if word := wordFor(value.Double()); word != "" {
			return word
		}
	}
	return value.AsString()
}
