// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// attributing is a configuration as a user writes it, with a file that is looked at all the time. What tells people apart
// is dropped.
func attributing(t *testing.T, content string) (cfg component.Config, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "users.csv")
	replaceFile(t, file, content)
	cfg = createDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"identity":    "prometheus",
		"attribution": map[string]any{"file": file, "reload_interval": "1ms"}, // less than a user may write
		"cardinality": map[string]any{"rules": []any{map[string]any{"metrics": []any{"*"}, "drop": []any{"user.email", "session.id"}}}},
	}).Unmarshal(cfg))
	return cfg, file
}

// watched are settings of a component, and what it logs.
func watched() (processor.Settings, *observer.ObservedLogs) {
	core, logs := observer.New(zap.InfoLevel)
	set := processortest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	return set, logs
}

// requireLoaded waits until a file has been taken over for that many times.
func requireLoaded(t *testing.T, logs *observer.ObservedLogs, times int) {
	t.Helper()
	require.Eventually(t, func() bool { return logs.FilterMessage("usage is attributed by a file").Len() == times }, 10*time.Second, time.Millisecond)
}

// statusHost remembers the last status.
type statusHost struct {
	component.Host
	mu   sync.Mutex
	last *componentstatus.Event
}

func (h *statusHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = event
}

func (h *statusHost) status() componentstatus.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		return componentstatus.StatusNone
	}
	return h.last.Status()
}

// spent is a request of one user: tokens of a window that ends then.
func spent(email string, end time.Time, tokens int64, temporality pmetric.AggregationTemporality) pmetric.Metrics {
	md := pmetric.NewMetrics()
	metric := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("claude_code.token.usage")
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(temporality)
	dp := sum.DataPoints().AppendEmpty()
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-time.Millisecond)))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(end))
	dp.SetIntValue(tokens)
	dp.Attributes().PutStr("user.email", email)
	dp.Attributes().PutStr("session.id", "session of "+email)
	return md
}

// teams are the last totals of tokens by team, and points must have nothing that tells people apart.
func teams(t *testing.T, sink *consumertest.MetricsSink) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, md := range sink.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, metric := range sm.Metrics().All() {
					if metric.Name() != "claude_code.token.usage" {
						continue
					}
					for _, dp := range metric.Sum().DataPoints().All() {
						attributes := dp.Attributes().AsRaw()
						require.Subset(t, []string{"team", "agent", "cost_center"}, keys(attributes))
						require.Equal(t, "claude-code", attributes["agent"])
						out[attributes["team"].(string)] = dp.IntValue()
					}
				}
			}
		}
	}
	return out
}

func keys(attributes map[string]any) (out []string) {
	for key := range attributes {
		out = append(out, key)
	}
	return out
}

// Scenario: three users work, two of them in one team, one in none; rules drop who they are; one changes the team, and
// a request from before is sent again; then the file goes bad, and is repaired.
// Guarantee: totals are those of the teams; the old team keeps what was spent in it, and a new series begins for the new
// one; the request adds nothing (D3a); a bad file changes nothing but the status.
func TestUsageIsAttributed(t *testing.T) {
	cfg, file := attributing(t, "email,team\nann@example.com,payments\nbob@example.com,payments\n")
	sink, host := new(consumertest.MetricsSink), &statusHost{Host: componenttest.NewNopHost()}
	set, logs := watched()
	p, err := NewFactory().CreateMetrics(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), host))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
	delta := pmetric.AggregationTemporalityDelta
	eventually := func(want map[string]int64) {
		t.Helper()
		require.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, teams(t, sink)) }, 10*time.Second, 10*time.Millisecond)
	}
	began := time.Now()
	again := spent("ann@example.com", began, 100, delta)
	copied := pmetric.NewMetrics()
	again.CopyTo(copied)
	for _, md := range []pmetric.Metrics{copied, spent("bob@example.com", began, 20, delta), spent("eve@example.com", began, 3, delta)} {
		require.NoError(t, p.ConsumeMetrics(t.Context(), md))
	}
	eventually(map[string]int64{"payments": 120, "unattributed": 3})

	replaceFile(t, file, "email,team\nann@example.com,search\nbob@example.com,payments\n")
	requireLoaded(t, logs, 2)
	now := time.Now()
	for _, md := range []pmetric.Metrics{again, spent("ann@example.com", now, 7, delta), spent("bob@example.com", now, 1, delta)} {
		require.NoError(t, p.ConsumeMetrics(t.Context(), md))
	}
	eventually(map[string]int64{"payments": 121, "search": 7, "unattributed": 3})

	replaceFile(t, file, "email,team\nann@example.com\n")
	require.Eventually(t, func() bool { return host.status() == componentstatus.StatusRecoverableError }, 10*time.Second, time.Millisecond)
	require.NoError(t, p.ConsumeMetrics(t.Context(), spent("ann@example.com", time.Now(), 10, delta)))
	eventually(map[string]int64{"payments": 121, "search": 17, "unattributed": 3})
	replaceFile(t, file, "email,team\nann@example.com,search\n")
	require.Eventually(t, func() bool { return host.status() == componentstatus.StatusOK }, 10*time.Second, time.Millisecond)
}

// Scenario: a cumulative client works while its user changes teams.
// Guarantee: its stream stays one member (T3): all of it is counted once, in the team where it began.
func TestCumulativeClientsAreCountedOnce(t *testing.T) {
	cfg, file := attributing(t, "email,team\nann@example.com,payments\n")
	sink := new(consumertest.MetricsSink)
	set, logs := watched()
	p, err := NewFactory().CreateMetrics(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
	start := time.Now()
	send := func(tokens int64) {
		t.Helper()
		md := spent("ann@example.com", time.Now(), tokens, pmetric.AggregationTemporalityCumulative)
		dp := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
		dp.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		require.NoError(t, p.ConsumeMetrics(t.Context(), md))
	}
	eventually := func(want map[string]int64) {
		t.Helper()
		require.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, teams(t, sink)) }, 10*time.Second, 10*time.Millisecond)
	}
	send(100)
	eventually(map[string]int64{"payments": 100})
	replaceFile(t, file, "email,team\nann@example.com,search\n")
	requireLoaded(t, logs, 2)
	send(130)
	eventually(map[string]int64{"payments": 130})
}

// Scenario: pipelines of logs and traces with attribution, and without.
// Guarantee: records and spans get their team and agent, and the collector knows that data is changed; without, it is
// not.
func TestLogsAndTracesAreAttributed(t *testing.T) {
	for _, on := range []bool{true, false} {
		cfg, _ := attributing(t, "email,team\nann@example.com,payments\n")
		if !on {
			cfg = createDefaultConfig()
		}
		factory, set := NewFactory(), processortest.NewNopSettings(metadata.Type)
		logSink, traceSink := new(consumertest.LogsSink), new(consumertest.TracesSink)
		logs, err := factory.CreateLogs(t.Context(), set, cfg, logSink)
		require.NoError(t, err)
		traces, err := factory.CreateTraces(t.Context(), set, cfg, traceSink)
		require.NoError(t, err)
		assert.Equal(t, on, logs.Capabilities().MutatesData)
		assert.Equal(t, on, traces.Capabilities().MutatesData)
		for _, p := range []component.Component{logs, traces} {
			require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		}
		ld, td := plog.NewLogs(), ptrace.NewTraces()
		record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.Body().SetStr("claude_code.api_request")
		span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName("claude_code.llm_request")
		for _, attributes := range []pcommon.Map{record.Attributes(), span.Attributes()} {
			attributes.PutStr("user.email", "ann@example.com")
		}
		require.NoError(t, logs.ConsumeLogs(t.Context(), ld))
		require.NoError(t, traces.ConsumeTraces(t.Context(), td))
		want := map[string]any{"user.email": "ann@example.com"}
		if on {
			want["team"], want["agent"] = "payments", "claude-code"
		}
		assert.Equal(t, want, logSink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw())
		assert.Equal(t, want, traceSink.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().AsRaw())
		for _, p := range []component.Component{logs, traces} {
			require.NoError(t, p.Shutdown(t.Context()))
		}
	}
}
