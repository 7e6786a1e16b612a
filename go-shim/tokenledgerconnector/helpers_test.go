// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/tokenledger/tokenledger/go-shim/internal/events/eventstest"
	"github.com/tokenledger/tokenledger/go-shim/internal/pricing"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// testTable is the table of eventstest, whatever the user's file says.
type testTable struct {
	eventstest.Prices
	settings pricing.Settings
	failure  error // of Start
	closed   int
}

func (t *testTable) Start() error { return t.failure }

func (t *testTable) Shutdown(context.Context) error {
	t.closed++
	return nil
}

func testPrices(settings pricing.Settings) priceTable { return &testTable{settings: settings} }

// started returns a connector that counts for next, by the prices of eventstest.
func started(t *testing.T, next consumer.Metrics, change func(*Config)) *countingConnector {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	set := connectortest.NewNopSettings(metadata.Type)
	set.BuildInfo.Version = "0.1.0"
	c, err := newConnector(set, cfg, next, testPrices)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, c.Shutdown(context.WithoutCancel(t.Context()))) })
	return c
}

func readLogs(t testing.TB, file string) plog.Logs {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(text)
	require.NoError(t, err)
	return ld
}

func readTraces(t testing.TB, file string) ptrace.Traces {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
	require.NoError(t, err)
	return td
}

// apiRequest returns logs with one record of Claude Code. Attributes replace or add to those of an ordinary one.
func apiRequest(session, id string, attributes map[string]any) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "claude-code")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("com.anthropic.claude_code.events")
	record := sl.LogRecords().AppendEmpty()
	record.Body().SetStr("claude_code.api_request")
	record.SetTimestamp(pcommon.Timestamp(1_795_213_313_758_000_000))
	ordinary := map[string]any{
		"event.name": "api_request", "session.id": session, "request_id": id, "user.id": "u1", "model": "claude-opus-4-8",
		"input_tokens": int64(10), "output_tokens": int64(20), "cache_read_tokens": int64(300), "cache_creation_tokens": int64(40),
		"cost_usd": 0.0009, "duration_ms": int64(1500),
	}
	for key, value := range attributes {
		ordinary[key] = value
	}
	if err := record.Attributes().FromRaw(ordinary); err != nil {
		panic(err)
	}
	return ld
}

// total adds up the points of a metric that have the attributes, over everything that left.
func total(all []pmetric.Metrics, name string, attributes map[string]string) float64 {
	var total float64
	for _, md := range all {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if m.Name() == name {
						total += totalOf(m, attributes)
					}
				}
			}
		}
	}
	return total
}

func totalOf(m pmetric.Metric, attributes map[string]string) float64 {
	var total float64
	if m.Type() == pmetric.MetricTypeHistogram {
		for _, dp := range m.Histogram().DataPoints().All() {
			if has(dp.Attributes(), attributes) {
				total += float64(dp.Count())
			}
		}
		return total
	}
	for _, dp := range m.Sum().DataPoints().All() {
		if !has(dp.Attributes(), attributes) {
			continue
		}
		if dp.ValueType() == pmetric.NumberDataPointValueTypeInt {
			total += float64(dp.IntValue())
		} else {
			total += dp.DoubleValue()
		}
	}
	return total
}

func has(attributes pcommon.Map, wanted map[string]string) bool {
	for key, value := range wanted {
		if v, ok := attributes.Get(key); !ok || v.AsString() != value {
			return false
		}
	}
	return true
}
