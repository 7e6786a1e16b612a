// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package deltatocumulativeprocessor

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor/internal/metadatatest"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
)

// orders returns a request with one delta point for each value, each of a stream of its own, and a gauge beside them.
func orders(values ...float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	metrics.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(1)
	sum := metrics.AppendEmpty().SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for i, value := range values {
		point := sum.DataPoints().AppendEmpty()
		point.Attributes().PutInt("stream", int64(i))
		point.SetStartTimestamp(pcommon.NewTimestampFromTime(enginetest.Begin.Add(10 * time.Second)))
		point.SetTimestamp(pcommon.NewTimestampFromTime(enginetest.Begin.Add(20 * time.Second)))
		point.SetDoubleValue(value)
	}
	return md
}

// Scenario: good points, one that is no number, and more streams than the limit.
// Guarantee: contrib's names: what is in its total has no error, the rest says why not; and what is held.
func TestTelemetry(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.Background())) })
	clock := &enginetest.Clock{}
	clock.MoveTo(30 * time.Second)
	cfg := &Config{MaxStale: 90 * time.Second, MaxStreams: 2}
	p := openWith(t, metadatatest.NewSettings(tt), consumertest.NewNop(), cfg, clock.Read)
	require.NoError(t, p.ConsumeMetrics(t.Context(), orders(1, 2)))
	require.NoError(t, p.ConsumeMetrics(t.Context(), orders(1, math.NaN())))
	require.NoError(t, p.ConsumeMetrics(t.Context(), orders(3, 4, 5, 6)))

	is := func(value int64) []metricdata.DataPoint[int64] { return []metricdata.DataPoint[int64]{{Value: value}} }
	because := func(reason string, value int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attribute.String("error", reason)), Value: value}
	}
	ignoring := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualDeltatocumulativeDatapoints(t, tt,
		[]metricdata.DataPoint[int64]{{Value: 5}, because("invalid", 1), because("limit", 2)}, ignoring)
	metadatatest.AssertEqualDeltatocumulativeStreamsLimit(t, tt, is(2), ignoring)
	metadatatest.AssertEqualDeltatocumulativeStreamsMaxStale(t, tt, is(90), ignoring)
	stats := p.Stats()
	metadatatest.AssertEqualDeltatocumulativeStreamsTracked(t, tt, is(stats.Streams), ignoring)
	metadatatest.AssertEqualDeltatocumulativeMemoryBytes(t, tt, is(stats.MemoryBytes()), ignoring)
	metadatatest.AssertEqualDeltatocumulativeMemoryLimit(t, tt, is(stats.MaxMemoryBytes), ignoring)
	assert.Equal(t, int64(3), stats.Streams, "two, and the overflow stream")
	assert.Positive(t, stats.MemoryBytes())

	p.InjectPanic()
	require.NoError(t, p.ConsumeMetrics(t.Context(), orders(1)))
	metadatatest.AssertEqualDeltatocumulativePoisoned(t, tt, is(1), ignoring)
}

// Scenario: the default limits, in a collector with two pipelines that get the same requests.
// Guarantee: each counts for itself, and a stream that was idle for max_stale begins anew.
func TestEachPipelineCounts(t *testing.T) {
	for range 2 {
		sink := new(consumertest.MetricsSink)
		clock := &enginetest.Clock{}
		cfg := createDefaultConfig().(*Config)
		p := openWith(t, processortest.NewNopSettings(metadata.Type), sink, cfg, clock.Read)
		clock.MoveTo(30 * time.Second)
		require.NoError(t, p.ConsumeMetrics(t.Context(), orders(1)))
		clock.MoveTo(40 * time.Second)
		require.NoError(t, p.ConsumeMetrics(t.Context(), orders(2)))
		require.NoError(t, p.Tick(t.Context(), false))
		clock.MoveTo(40*time.Second + cfg.MaxStale + 2*time.Second)
		require.NoError(t, p.Tick(t.Context(), false))
		require.NoError(t, p.ConsumeMetrics(t.Context(), orders(4)))
		require.NoError(t, p.Tick(t.Context(), true))
		values := []float64{}
		for _, md := range sink.AllMetrics() {
			metrics := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
			if metric := metrics.At(metrics.Len() - 1); metric.Type() == pmetric.MetricTypeSum {
				for _, point := range metric.Sum().DataPoints().All() {
					values = append(values, point.DoubleValue())
				}
			}
		}
		assert.Equal(t, []float64{0, 1, 3, 0, 4}, values)
	}
}
