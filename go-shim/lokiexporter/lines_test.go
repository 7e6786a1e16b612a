// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// full is a record with everything in it.
func full(t *testing.T, format string) plog.Logs {
	t.Helper()
	ld := logsOf(t, map[string]any{"service.name": "claude-code", "loki.format": format}, map[string]any{
		"tool_name": "Bash", "cost": 0.25, "tokens": []any{1, map[string]any{"deep er": "a b"}}, "none": nil,
	})
	scope := ld.ResourceLogs().At(0).ScopeLogs().At(0)
	scope.Scope().SetName("events")
	scope.Scope().SetVersion("2.1")
	scope.Scope().Attributes().PutStr("kind", "x")
	record := scope.LogRecords().At(0)
	record.SetTraceID([16]byte{1, 2, 3})
	record.SetSpanID([8]byte{4, 5})
	record.SetSeverityText("warn")
	record.SetFlags(plog.LogRecordFlags(1))
	record.Body().SetStr("a <tool> & \"more\"")
	return ld
}

// Scenario: a record with everything in it, in JSON.
// Guarantee: names, order and escapes are those of the removed exporter, so queries and line filters hold.
func TestJSONLine(t *testing.T) {
	assert.Equal(t, []string{`{"body":"a \u003ctool\u003e \u0026 \"more\"","traceid":"01020300000000000000000000000000","spanid":"0405000000000000",` +
		`"severity":"warn","flags":1,"attributes":{"cost":0.25,"none":null,"tokens":[1,{"deep er":"a b"}],"tool_name":"Bash"},` +
		`"resources":{"service.name":"claude-code"},"instrumentation_scope":{"name":"events","version":"2.1","attributes":{"kind":"x"}}}`},
		lines(sent(t, allLabels, full(t, "json"))))
}

// Scenario: the same record in logfmt.
// Guarantee: keys are those of the removed exporter; values inside of others get the path to them.
func TestLogfmtLine(t *testing.T) {
	line := lines(sent(t, allLabels, full(t, "logfmt")))
	require.Len(t, line, 1)
	fields, ok := parseLogfmt(line[0])
	require.True(t, ok, line[0])
	assert.ElementsMatch(t, []field{
		{"msg", "a <tool> & \"more\""}, {"traceID", "01020300000000000000000000000000"}, {"spanID", "0405000000000000"}, {"severity", "warn"},
		{"flags", "1"}, {"attribute_tool_name", "Bash"}, {"attribute_cost", "0.25"}, {"attribute_tokens_0", "1"}, {"attribute_tokens_1_deeper", "a b"},
		{"resource_service.name", "claude-code"}, {"instrumentation_scope_name", "events"}, {"instrumentation_scope_version", "2.1"},
		{"instrumentation_scope_attribute_kind", "x"},
	}, []field(fields))
	assert.True(t, strings.HasPrefix(line[0], `msg="a <tool> & \"more\"" traceID=0102`), line[0])
	assert.True(t, strings.HasSuffix(line[0], ` instrumentation_scope_name=events instrumentation_scope_version=2.1 instrumentation_scope_attribute_kind=x`), line[0])
}

// Scenario: bodies of all kinds, in the three formats.
// Guarantee: JSON keeps the structure, logfmt takes the fields that a body has and keeps any other text whole, raw is the
// text alone.
func TestBodies(t *testing.T) {
	for name, c := range map[string]struct {
		body              any
		json, logfmt, raw string
	}{
		"none":            {nil, `{}`, "", ""},
		"empty":           {"", `{"body":""}`, "msg=", ""},
		"a sentence":      {"Example log", `{"body":"Example log"}`, `msg="Example log"`, "Example log"},
		"logfmt":          {`a=1 msg="hello world" severity=x`, `{"body":"a=1 msg=\"hello world\" severity=x"}`, `a=1 msg="hello world" severity=x`, `a=1 msg="hello world" severity=x`},
		"partly logfmt":   {"done a=1", `{"body":"done a=1"}`, `msg="done a=1"`, "done a=1"},
		"glued fields":    {`a="b"c=1`, `{"body":"a=\"b\"c=1"}`, `msg="a=\"b\"c=1"`, `a="b"c=1`},
		"open quotes":     {`a="b c=1`, `{"body":"a=\"b c=1"}`, `msg="a=\"b c=1"`, `a="b c=1`},
		"escaped quotes":  {`a="b\"c" d=`, `{"body":"a=\"b\\\"c\" d="}`, `a="b\"c" d=`, `a="b\"c" d=`},
		"two lines":       {"a=1\nb=2", `{"body":"a=1\nb=2"}`, `msg="a=1\nb=2"`, "a=1\nb=2"},
		"a map":           {map[string]any{"k": map[string]any{"in": "v w"}}, `{"body":{"k":{"in":"v w"}}}`, `k_in="v w"`, `{"k":{"in":"v w"}}`},
		"a list":          {[]any{"a", true}, `{"body":["a",true]}`, "body_0=a body_1=true", `["a",true]`},
		"a number":        {int64(7), `{"body":7}`, "msg=7", "7"},
		"not a number":    {math.NaN(), `{"body":"NaN"}`, "msg=NaN", "NaN"},
		"infinite":        {[]any{math.Inf(1), math.Inf(-1)}, `{"body":["Infinity","-Infinity"]}`, "body_0=Infinity body_1=-Infinity", `["Infinity","-Infinity"]`},
		"bytes of text":   {[]byte("abc"), `{"body":"YWJj"}`, "msg=abc", "YWJj"},
		"other bytes":     {[]byte{0xff}, `{"body":"/w=="}`, `msg="/w=="`, "/w=="},
		"no UTF-8":        {"a\xffb", `{"body":"a\ufffdb"}`, "msg=\"a\\ufffdb\"", "a\uFFFDb"},
		"a key of spaces": {map[string]any{" =": "v"}, `{"body":{" =":"v"}}`, "_=v", `{" =":"v"}`},
	} {
		for format, want := range map[string]string{"json": c.json, "logfmt": c.logfmt, "raw": c.raw} {
			t.Run(name+"/"+format, func(t *testing.T) {
				ld := logsOf(t, nil, map[string]any{"loki.format": format})
				require.NoError(t, ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().FromRaw(c.body))
				assert.Equal(t, []string{want}, lines(sent(t, allLabels, ld)))
			})
		}
	}
}

// Scenario: a body in logfmt has the keys that the exporter writes itself.
// Guarantee: the record's own values stand there, once.
func TestLogfmtReplacesKeysOfTheBody(t *testing.T) {
	ld := full(t, "logfmt")
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr("traceID=other severity=other a=b")
	line := lines(sent(t, allLabels, ld))[0]
	assert.True(t, strings.HasPrefix(line, "traceID=01020300000000000000000000000000 severity=warn a=b spanID=0405000000000000 flags=1 "), line)
}

// Scenario: the format is misspelt, in the record of a batch whose resource says nothing.
// Guarantee: the record goes out as JSON; the removed exporter dropped it.
func TestUnknownFormat(t *testing.T) {
	assert.Equal(t, []string{`{"body":"record a"}`}, lines(sent(t, allLabels, logsOf(t, nil, map[string]any{"loki.format": "jsonn"}))))
}

// Scenario: records out of order, without a time, with a time that only fits into unsigned nanoseconds.
// Guarantee: entries of a stream are in order; the observed time stands in, and the clock where there is none.
func TestTimes(t *testing.T) {
	ld := logsOf(t, nil, nil, nil, nil, nil)
	records := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	records.At(0).SetTimestamp(math.MaxUint64)
	records.At(2).SetTimestamp(0)
	records.At(2).SetObservedTimestamp(pcommon.NewTimestampFromTime(noon))
	records.At(3).SetTimestamp(0)
	before := time.Now()
	streams := sent(t, allLabels, ld)
	after := time.Now()
	require.Len(t, streams, 1)
	bodies := map[string]time.Time{}
	for _, e := range streams[0].Entries {
		bodies[e.Line] = e.Time
	}
	assert.Equal(t, noon, bodies[`{"body":"record c"}`])
	assert.Equal(t, noon.Add(time.Second), bodies[`{"body":"record b"}`])
	assert.Equal(t, time.Unix(18446744073, 709551615).UTC(), bodies[`{"body":"record a"}`])
	now := bodies[`{"body":"record d"}`]
	assert.False(t, now.Before(before.Truncate(0)) || now.After(after), now)
}

// Scenario: a client sends lists within lists, far deeper than any telemetry.
// Guarantee: the record arrives, with a mark where it became too deep, in every format and as a label.
func TestNestingIsBounded(t *testing.T) {
	deep := func(value pcommon.Value) {
		for range 20 * maxDepth {
			value = value.SetEmptySlice().AppendEmpty()
		}
	}
	deepMap := func(value pcommon.Value) {
		for range 20 * maxDepth {
			value = value.SetEmptyMap().PutEmpty("a")
		}
	}
	for _, format := range []string{"json", "logfmt", "raw"} {
		for _, nest := range []func(pcommon.Value){deep, deepMap} {
			ld := logsOf(t, nil, map[string]any{"loki.format": format, "loki.attribute.labels": "deep,m" + strings.Repeat(".a", 30*maxDepth)})
			record := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			nest(record.Body())
			nest(record.Attributes().PutEmpty("deep"))
			nest(record.Attributes().PutEmpty("m"))
			nest(record.Attributes().PutEmpty("loki.tenant"))
			streams := sent(t, allLabels, ld)
			require.Len(t, streams, 1)
			assert.Contains(t, streams[0].Labels["deep"], tooDeep)
			assert.Contains(t, streams[0].Entries[0].Line, tooDeep)
			if format == "json" {
				assert.True(t, json.Valid([]byte(streams[0].Entries[0].Line)))
			}
		}
	}
}

// Scenario: records of several sets of labels come mixed.
// Guarantee: there is one stream for each set, and nothing is left.
func TestStreams(t *testing.T) {
	labelled := func(tool string) map[string]any {
		return map[string]any{"loki.attribute.labels": "tool", "tool": tool}
	}
	streams := sent(t, DefaultLabelsConfig{}, logsOf(t, nil, labelled("Bash"), labelled("Edit"), labelled("Bash"), labelled("Read")))
	var texts []string
	for _, s := range streams {
		texts = append(texts, s.Text)
	}
	assert.Equal(t, []string{`{tool="Bash"}`, `{tool="Edit"}`, `{tool="Read"}`}, texts)
	assert.Equal(t, []lokitest.Entry{{Time: noon, Line: `{"body":"record a"}`}, {Time: noon.Add(2 * time.Second), Line: `{"body":"record c"}`}}, streams[0].Entries)
}
