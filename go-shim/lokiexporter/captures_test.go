// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// captures are what clients really sent.
const captures = "../../tests/data/captures"

// write makes TestGolden write its file. Read the difference before you commit it.
var write = flag.Bool("write-golden", false, "write testdata/golden.txt anew")

// inTheField is the setting of default labels of configurations for Claude Code: exporter off, job on.
var inTheField = DefaultLabelsConfig{Exporter: false, Job: true, Instance: true, Level: true}

// Scenario: the logs of two versions of Claude Code, as JSON and protobuf.
// Guarantee: every record is one line of the stream {job="claude-code"}, at its time; what LogQL's `| json` makes of the
// line is the record: attributes_tool_name, attributes_event_name and so on, with the values that were sent.
func TestCaptures(t *testing.T) {
	tools := map[string]int{}
	for _, version := range []string{"claude-code-2.1.197", "claude-code-2.1.329"} {
		for _, encoding := range []string{"json", "protobuf"} {
			t.Run(version+"/"+encoding, func(t *testing.T) {
				for _, ld := range capturedLogs(t, filepath.Join(captures, version, "two-sessions-"+encoding)) {
					streams := sent(t, inTheField, ld)
					require.Len(t, streams, 1)
					assert.Equal(t, map[string]string{"job": "claude-code"}, streams[0].Labels)
					require.Len(t, streams[0].Entries, ld.LogRecordCount())
					for _, record := range records(ld) {
						entry := entryOf(t, streams[0], record)
						assert.Equal(t, expectedFields(record), logQL(t, entry.Line))
						if fields := logQL(t, entry.Line); fields["attributes_event_name"] == "tool_result" {
							assert.Contains(t, entry.Line, "tool_result")
							tools[fields["attributes_tool_name"]]++
						}
					}
				}
			})
		}
	}
	assert.Positive(t, tools["Write"], `{job="claude-code"} |~ "tool_result" | json by attributes_tool_name: %v`, tools)
}

// Scenario: one request of Claude Code, with the labels of configurations in the field.
// Guarantee: labels and lines are testdata/golden.txt, byte for byte: existing line filters hold.
func TestGolden(t *testing.T) {
	const golden = "testdata/golden.txt"
	ld := readLogs(t, filepath.Join(captures, "claude-code-2.1.329", "two-sessions-json", "0004_v1_logs.json"))
	var b strings.Builder
	for _, s := range sent(t, inTheField, ld) {
		fmt.Fprintln(&b, s.Text)
		for _, e := range s.Entries {
			fmt.Fprintln(&b, e.Time.UnixNano(), e.Line)
		}
	}
	if *write {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

// capturedRecord is a record and its resource and scope.
type capturedRecord struct {
	resource pcommon.Map
	scope    pcommon.InstrumentationScope
	record   plog.LogRecord
}

func records(ld plog.Logs) []capturedRecord {
	var all []capturedRecord
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				all = append(all, capturedRecord{rl.Resource().Attributes(), sl.Scope(), record})
			}
		}
	}
	return all
}

// entryOf finds a record by its time and its sequence number, which is unique in a session.
func entryOf(t *testing.T, s lokitest.Stream, r capturedRecord) lokitest.Entry {
	t.Helper()
	sequence, ok := r.record.Attributes().Get("event.sequence")
	require.True(t, ok)
	var found []lokitest.Entry
	for _, e := range s.Entries {
		if e.Time.Equal(r.record.Timestamp().AsTime()) && logQL(t, e.Line)["attributes_event_sequence"] == sequence.AsString() {
			found = append(found, e)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// expectedFields are the labels that `| json` has to make of a record, worked out from the record itself.
func expectedFields(r capturedRecord) map[string]string {
	want := map[string]string{
		"body": r.record.Body().Str(), "instrumentation_scope_name": r.scope.Name(), "instrumentation_scope_version": r.scope.Version(),
	}
	for key, value := range r.record.Attributes().All() {
		if value.Type() == pcommon.ValueTypeSlice {
			continue // `| json` makes no labels of lists
		}
		want["attributes_"+strings.NewReplacer(".", "_", "-", "_").Replace(key)] = value.AsString()
	}
	for key, value := range r.resource.All() {
		want["resources_"+strings.NewReplacer(".", "_", "-", "_").Replace(key)] = value.AsString()
	}
	if id := r.record.TraceID(); !id.IsEmpty() {
		want["traceid"], want["spanid"], want["flags"] = id.String(), r.record.SpanID().String(), fmt.Sprint(uint32(r.record.Flags()))
	}
	maps.DeleteFunc(want, func(key, value string) bool { return value == "" || key == "flags" && value == "0" })
	return want
}

// logQL is what the stage `| json` makes of a line: paths with _ between, other characters as _, no lists, no empty texts.
func logQL(t *testing.T, line string) map[string]string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	var root map[string]any
	require.NoError(t, decoder.Decode(&root), line)
	out := map[string]string{}
	flatten("", root, out)
	return out
}

var notInALabel = regexp.MustCompile("[^a-zA-Z0-9_]")

func flatten(path string, value any, out map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			key = notInALabel.ReplaceAllString(key, "_")
			if path != "" {
				key = path + "_" + key
			}
			flatten(key, inner, out)
		}
	case nil, []any:
	default:
		if text := fmt.Sprint(v); text != "" {
			out[path] = text
		}
	}
}

func capturedLogs(t *testing.T, dir string) []plog.Logs {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_v1_logs.*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []plog.Logs
	for _, file := range files {
		all = append(all, readLogs(t, file))
	}
	return all
}

func readLogs(t *testing.T, file string) plog.Logs {
	t.Helper()
	bytes, err := os.ReadFile(file)
	require.NoError(t, err)
	unmarshal := (&plog.JSONUnmarshaler{}).UnmarshalLogs
	if filepath.Ext(file) != ".json" {
		unmarshal = (&plog.ProtoUnmarshaler{}).UnmarshalLogs
	}
	ld, err := unmarshal(bytes)
	require.NoError(t, err)
	return ld
}
