// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadatatest"
)

func someLogs() plog.Logs {
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetEventName("claude_code.api_request")
	record.Attributes().PutInt("input_tokens", 17)
	return ld
}

func someTraces() ptrace.Traces {
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("claude_code.interaction")
	return td
}

// Scenario: logs and traces go through two pipelines each of one collector, first an empty request, then data.
// Guarantee: they arrive unchanged, without a copy being made; one line announces the first data of each signal, and
// the time of the last data is reported for these signals only.
func TestLogsAndTracesPass(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(tt)
	core, lines := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig()
	began := time.Now()

	for range 2 {
		logsNext, tracesNext := new(consumertest.LogsSink), new(consumertest.TracesSink)
		logs, err := factory.CreateLogs(t.Context(), set, cfg, logsNext)
		require.NoError(t, err)
		traces, err := factory.CreateTraces(t.Context(), set, cfg, tracesNext)
		require.NoError(t, err)
		t.Cleanup(func() {
			require.NoError(t, logs.Shutdown(context.Background()))
			require.NoError(t, traces.Shutdown(context.Background()))
		})
		assert.False(t, logs.Capabilities().MutatesData)
		assert.False(t, traces.Capabilities().MutatesData)

		require.NoError(t, logs.ConsumeLogs(t.Context(), plog.NewLogs()))
		require.NoError(t, traces.ConsumeTraces(t.Context(), ptrace.NewTraces()))
		sentLogs, sentTraces := someLogs(), someTraces()
		sentLogs.MarkReadOnly()
		sentTraces.MarkReadOnly()
		require.NoError(t, logs.ConsumeLogs(t.Context(), sentLogs))
		require.NoError(t, traces.ConsumeTraces(t.Context(), sentTraces))
		assert.Equal(t, sentLogs, logsNext.AllLogs()[1])
		assert.Equal(t, sentTraces, tracesNext.AllTraces()[1])
	}

	assert.Equal(t, 1, lines.FilterMessage("first logs received").Len())
	assert.Equal(t, 1, lines.FilterMessage("first traces received").Len())
	assert.Zero(t, lines.FilterMessage("first metrics received").Len())
	metadatatest.AssertEqualProcessorTokenLedgerLastReceived(t, tt, []metricdata.DataPoint[float64]{
		{Attributes: attribute.NewSet(attribute.String("signal", "logs"))},
		{Attributes: attribute.NewSet(attribute.String("signal", "traces"))},
	}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreValue())
	got, err := tt.GetMetric("otelcol_processor_token_ledger_last_received")
	require.NoError(t, err)
	for _, dp := range got.Data.(metricdata.Gauge[float64]).DataPoints {
		assert.InDelta(t, float64(began.UnixNano())/1e9, dp.Value, 60)
	}
}

// Scenario: the first data of a signal, then more, from two pipelines.
// Guarantee: one line in the life of a collector.
func TestFirstDataIsAnnouncedOnce(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	logger := zap.New(core)
	var received receivedData
	_, ever := received.seconds(signalMetrics)
	assert.False(t, ever)
	for second := range int64(3) {
		received.note(signalMetrics, time.Unix(1767225600+second, 0), logger)
	}
	assert.Equal(t, 1, lines.FilterMessage("first metrics received").Len())
	assert.Equal(t, "metrics", lines.All()[0].ContextMap()["signal"])
	seconds, ever := received.seconds(signalMetrics)
	assert.True(t, ever)
	assert.InDelta(t, 1767225602, seconds, 0)
}
