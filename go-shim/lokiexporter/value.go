// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

const (
	// maxDepth of lists and maps within each other. A client can send millions of levels in one request, and the stack
	// that writing them needs ends the process.
	maxDepth = 64
	tooDeep  = "[nested too deeply]"
)

// plain makes a value that encoding/json can write: what JSON has no number for becomes a text, as protobuf's JSON has it.
func plain(value pcommon.Value, depth int) any {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return value.Str()
	case pcommon.ValueTypeBool:
		return value.Bool()
	case pcommon.ValueTypeInt:
		return value.Int()
	case pcommon.ValueTypeDouble:
		return plainNumber(value.Double())
	case pcommon.ValueTypeBytes:
		return base64.StdEncoding.EncodeToString(value.Bytes().AsRaw())
	case pcommon.ValueTypeMap:
		if depth >= maxDepth {
			return tooDeep
		}
		return plainMap(value.Map(), nil, depth+1)
	case pcommon.ValueTypeSlice:
		if depth >= maxDepth {
			return tooDeep
		}
		list := make([]any, 0, value.Slice().Len())
		for _, element := range value.Slice().All() {
			list = append(list, plain(element, depth+1))
		}
		return list
	default:
		return nil
	}
}

// plainMap leaves out what hidden names; nil hides nothing.
func plainMap(values pcommon.Map, hidden func(key string) bool, depth int) map[string]any {
	out := make(map[string]any, values.Len())
	for key, value := range values.All() {
		if hidden == nil || !hidden(key) {
			out[key] = plain(value, depth)
		}
	}
	return out
}

func plainNumber(number float64) any {
	switch {
	case math.IsNaN(number):
		return "NaN"
	case math.IsInf(number, 1):
		return "Infinity"
	case math.IsInf(number, -1):
		return "-Infinity"
	default:
		return number
	}
}

// text writes a value as the text of a label or a raw line: lists and maps as JSON, everything else as OpenTelemetry
// writes it.
func text(value pcommon.Value) string {
	switch value.Type() {
	case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		return string(compact(plain(value, 0), false))
	case pcommon.ValueTypeDouble:
		if word, ok := plainNumber(value.Double()).(string); ok {
			return word
		}
	}
	return value.AsString()
}

// compact is value as JSON in one line; escapeHTML writes <, > and & as escapes. A value made by plain always has a JSON.
func compact(value any, escapeHTML bool) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapeHTML)
	if err := encoder.Encode(value); err != nil {
		// Nothing is lost silently: the reader of the line sees what happened.
		return compact(map[string]any{"error": err.Error()}, escapeHTML)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
