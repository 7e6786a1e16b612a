// SPDX-License-Identifier: Apache-2.0

package events

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/events/eventstest"
)

// Where wire samples of all agents are: real captures, and the connector's golden inputs.
var samples = []string{
	"../../../tests/data/captures/*/two-sessions-json/*_v1_%s.json",
	"../../tokenledgerconnector/testdata/golden/*/input-*.%s.json",
}

// FuzzLogs: whatever a client writes into log records, what is read of it is within bounds, and prices are never
// negative. Run with: go test -fuzz FuzzLogs ./internal/events
func FuzzLogs(f *testing.F) {
	for _, sample := range seeds(f, "logs") {
		ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(sample)
		require.NoError(f, err)
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				kept := 0 // small seeds: what is not a request teaches nothing
				sl.LogRecords().RemoveIf(func(record plog.LogRecord) bool {
					if _, ok := FromLog(rl.Resource().Attributes(), sl.Scope().Name(), record, arrival); !ok || kept == 2 {
						return true
					}
					kept++
					return false
				})
			}
		}
		wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
		require.NoError(f, err)
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
		if err != nil {
			return
		}
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					if r, ok := FromLog(rl.Resource().Attributes(), sl.Scope().Name(), record, arrival); ok {
						checkBounds(t, r)
					}
				}
			}
		}
	})
}

// FuzzSpans does the same with spans.
func FuzzSpans(f *testing.F) {
	for _, sample := range seeds(f, "traces") {
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(sample)
		require.NoError(f, err)
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				kept := 0
				ss.Spans().RemoveIf(func(span ptrace.Span) bool {
					if _, ok := FromSpan(rs.Resource().Attributes(), ss.Scope().Name(), span, arrival); !ok || kept == 2 {
						return true
					}
					kept++
					return false
				})
			}
		}
		wire, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
		require.NoError(f, err)
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
		if err != nil {
			return
		}
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					if r, ok := FromSpan(rs.Resource().Attributes(), ss.Scope().Name(), span, arrival); ok {
						checkBounds(t, r)
					}
				}
			}
		}
	})
}

func seeds(f *testing.F, signal string) [][]byte {
	f.Helper()
	var all [][]byte
	for _, pattern := range samples {
		files, err := filepath.Glob(fmt.Sprintf(pattern, signal))
		require.NoError(f, err)
		require.NotEmpty(f, files)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(f, err)
			all = append(all, text)
		}
	}
	return all
}

// checkBounds holds for every request, whatever was sent.
func checkBounds(t *testing.T, r *Request) {
	t.Helper()
	for class, tokens := range r.Tokens {
		require.LessOrEqual(t, tokens, uint64(3*maxTokens), class) // Gemini CLI's input is two counts, cut lifetimes are one
	}
	require.LessOrEqual(t, r.UnsplitWrites, uint64(maxTokens))
	require.GreaterOrEqual(t, r.ReportedPico, int64(0))
	require.LessOrEqual(t, r.ReportedPico, int64(maxReportedUSD*picoPerUSD))
	require.False(t, r.Start.After(r.End))
	require.GreaterOrEqual(t, r.Duration, time.Duration(0))
	require.LessOrEqual(t, r.Duration, maxDuration)
	require.GreaterOrEqual(t, r.Start.UnixNano(), int64(0))
	for _, text := range []string{string(r.Agent), r.Model, r.Provider, r.Session, r.User} {
		require.LessOrEqual(t, len(text), maxText)
	}
	require.Equal(t, r.Failed, r.Error != "")
	require.NotEqual(t, Key{}, r.Key)
	for _, setting := range []CacheWrites{{auto: true}, {}, {hourShare: 0.5}, {hourShare: 1}} {
		cost := CostOf(r, &eventstest.Prices{}, setting)
		require.GreaterOrEqual(t, cost.TotalPico, int64(0))
		require.Equal(t, r.TotalTokens(), sum(cost.Tokens))
	}
}

func sum(tokens [engine.TokenClasses]uint64) uint64 {
	var total uint64
	for _, n := range tokens {
		total += n
	}
	return total
}
