// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
)

// newRigWith returns a metrics processor that goes by a clock of the test's and is open, but without the goroutine
// that ticks: tests tick themselves.
func newRigWith(t *testing.T, set processor.Settings, next consumer.Metrics, change func(*Config), clock engine.Clock) *metricsProcessor {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	settings := cfg.settings(set.ID, set.Logger)
	settings.Engine.Clock = clock
	p, err := newMetricsProcessorWith(set, settings, next, &receivedData{})
	require.NoError(t, err)
	require.NoError(t, p.Open())
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context()))) })
	return p
}

// window returns a request with one delta point of the sum `claude_code.token.usage`.
func window(start, end time.Duration, kind string, value int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "claude-code")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("claude_code.token.usage")
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	dp := sum.DataPoints().AppendEmpty()
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(enginetest.Begin.Add(start)))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(enginetest.Begin.Add(end)))
	dp.SetIntValue(value)
	dp.Attributes().PutStr("type", kind)
	return md
}
