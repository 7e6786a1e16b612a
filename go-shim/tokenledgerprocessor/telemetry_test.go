// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadatatest"
)

// mixedRequest returns a request with one good point, two invalid ones and one without a value.
func mixedRequest() pmetric.Metrics {
	md := window(10*time.Second, 20*time.Second, "input", 5)
	points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
	add := func(kind string) pmetric.NumberDataPoint {
		dp := points.AppendEmpty()
		points.At(0).CopyTo(dp)
		dp.Attributes().PutStr("type", kind)
		return dp
	}
	add("output").SetDoubleValue(math.NaN())
	add("output").SetIntValue(-1)
	add("cacheRead").SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	return md
}

// Scenario: requests whose points end in every outcome.
// Guarantee: each point is counted once, under its outcome; the gauges show what is held and the limit.
func TestTelemetry(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(tt)
	clock := &enginetest.Clock{}
	r := newRigWith(t, set, consumertest.NewNop(), func(cfg *Config) {
		cfg.Cardinality.MaxStreams = 1
		cfg.Cardinality.MaxMemoryMiB = 64
	}, clock.Read)

	clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), mixedRequest()))
	for _, md := range []pmetric.Metrics{
		window(12*time.Second, 19*time.Second, "input", 2),          // late: its time does not advance
		window(12*time.Second, 19*time.Second, "input", 2),          // the same again
		window(10*time.Second, 20*time.Second, "cacheCreation", 43), // the second stream where one is allowed
	} {
		require.NoError(t, r.ConsumeMetrics(t.Context(), md))
	}

	metadatatest.AssertEqualProcessorTokenLedgerPoints(t, tt, []metricdata.DataPoint[int64]{
		outcomePoint(set, "accepted", 1),
		outcomePoint(set, "invalid", 2),
		outcomePoint(set, "no_value", 1),
		outcomePoint(set, "overflow", 1),
		outcomePoint(set, "late", 1),
		outcomePoint(set, "duplicate", 1),
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerStreamsLimit(t, tt, selfPoint(set, 1), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerClockStepsBack(t, tt, selfPoint(set, 0), metricdatatest.IgnoreTimestamp())
	stats := r.Stats()
	assert.Positive(t, stats.Streams)
	assert.Positive(t, stats.PendingStreams)
	assert.Positive(t, stats.StateBytes)
	assert.Positive(t, stats.TextBytes)
	metadatatest.AssertEqualProcessorTokenLedgerStreams(t, tt, selfPoint(set, stats.Streams), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerStreamsPending(t, tt, selfPoint(set, stats.PendingStreams), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerStateBytes(t, tt, selfPoint(set, stats.StateBytes), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerTextBytes(t, tt, selfPoint(set, stats.TextBytes), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerSourceStreams(t, tt, selfPoint(set, stats.SourceStreams), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerTombstones(t, tt, selfPoint(set, stats.Tombstones), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerEvictedStreams(t, tt, selfPoint(set, stats.EvictedStreams), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerMemoryBytes(t, tt, selfPoint(set, stats.MemoryBytes()), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerMemoryLimit(t, tt, selfPoint(set, 64<<20), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorTokenLedgerBatchDuration(t, tt,
		[]metricdata.HistogramDataPoint[float64]{{Attributes: selfAttributes(set), Count: 4}},
		metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreValue())
}

// Scenario: the library panics, then two more requests come.
// Guarantee: three requests are counted as passed on.
func TestTelemetryCountsPoisoned(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(tt)
	r := newRigWith(t, set, consumertest.NewNop(), nil, nil)
	r.InjectPanic()
	for range 3 {
		require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	}
	metadatatest.AssertEqualProcessorTokenLedgerPoisoned(t, tt, selfPoint(set, 3), metricdatatest.IgnoreTimestamp())
}

// Scenario: one component identifier in two pipelines: two instances, one series.
// Guarantee: what is held and the limit add up; after Shutdown an instance reports nothing more.
func TestTelemetryAddsUpOverPipelines(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(tt)
	limit := func(cfg *Config) { cfg.Cardinality.MaxStreams = 7 }
	first := newRigWith(t, set, consumertest.NewNop(), limit, nil)
	second := newRigWith(t, set, consumertest.NewNop(), limit, nil)
	metadatatest.AssertEqualProcessorTokenLedgerStreamsLimit(t, tt, selfPoint(set, 14), metricdatatest.IgnoreTimestamp())
	require.NoError(t, first.Shutdown(t.Context()))
	metadatatest.AssertEqualProcessorTokenLedgerStreamsLimit(t, tt, selfPoint(set, 7), metricdatatest.IgnoreTimestamp())
	require.NoError(t, second.Shutdown(t.Context()))
	_, err := tt.GetMetric("otelcol_processor_token_ledger_streams_limit")
	require.Error(t, err, "nothing is left to report")
}

// Scenario: a request with ten points of known streams, again and again, without a ledger and with one.
// Guarantee: the number of allocations of one call does not grow with the number of points by more than pdata's own,
// one per value written.
func TestAllocationsPerRequest(t *testing.T) {
	for name, directory := range map[string]string{"without ledger": "", "with ledger": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			clock := &enginetest.Clock{}
			r := newRigWith(t, processortest.NewNopSettings(metadata.Type), consumertest.NewNop(), func(cfg *Config) {
				cfg.Storage.Directory = directory
			}, clock.Read)
			const points = 10
			allocations := allocationsPerRequest(t, r, clock, points)
			assert.LessOrEqual(t, allocations, float64(points+8))
			t.Logf("%v allocations for %d points", allocations, points)
		})
	}
}

func allocationsPerRequest(t *testing.T, r *metricsProcessor, clock *enginetest.Clock, points int) float64 {
	t.Helper()
	second := 20 * time.Second
	request := func() pmetric.Metrics {
		md := window(second-time.Second, second, "input", 1)
		dps := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
		for kind := range points - 1 {
			dp := dps.AppendEmpty()
			dps.At(0).CopyTo(dp)
			dp.Attributes().PutInt("type", int64(kind))
		}
		clock.MoveTo(second)
		second += time.Second
		return md
	}
	var requests []pmetric.Metrics
	require.NoError(t, r.ConsumeMetrics(t.Context(), request()))
	const runs = 100
	for range runs + 1 {
		requests = append(requests, request())
	}
	next := 0
	return testing.AllocsPerRun(runs, func() {
		_ = r.ConsumeMetrics(t.Context(), requests[next])
		next++
	})
}

func selfAttributes(set processor.Settings) attribute.Set {
	return attribute.NewSet(attribute.String("processor", set.ID.String()))
}

func selfPoint(set processor.Settings, value int64) []metricdata.DataPoint[int64] {
	return []metricdata.DataPoint[int64]{{Attributes: selfAttributes(set), Value: value}}
}

func outcomePoint(set processor.Settings, outcome string, value int64) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{
		Attributes: attribute.NewSet(attribute.String("processor", set.ID.String()), attribute.String("outcome", outcome)),
		Value:      value,
	}
}
