// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// The tests here hand answers to the second walk as the library would; what the library answers is
// tested in engine_test.go.

// oneMetric puts a metric into a request of its own.
func oneMetric(metric pmetric.Metric) pmetric.Metrics {
	md := pmetric.NewMetrics()
	metric.CopyTo(md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
	return md
}

func onlyMetric(md pmetric.Metrics) pmetric.Metric {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
}

// deltaSum builds a delta sum with that many points, each with its number as attribute `n`.
func deltaSum(points int) pmetric.Metric {
	metric := pmetric.NewMetric()
	sum := metric.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for i := range points {
		point := sum.DataPoints().AppendEmpty()
		point.SetTimestamp(pcommon.Timestamp(100 + i))
		point.SetIntValue(1)
		point.Attributes().PutInt("n", int64(i))
		point.Exemplars().AppendEmpty().SetIntValue(1)
	}
	return metric
}

// numbers prints points as `attributes value@start-time exemplars`.
func numbers(points pmetric.NumberDataPointSlice) []string {
	lines := []string{}
	for _, point := range points.All() {
		value := any(point.IntValue())
		if point.ValueType() == pmetric.NumberDataPointValueTypeDouble {
			value = point.DoubleValue()
		}
		lines = append(lines, fmt.Sprintf("%v %v@%d-%d %d", point.Attributes().AsRaw(), value,
			point.StartTimestamp(), point.Timestamp(), point.Exemplars().Len()))
	}
	return lines
}

// Scenario: points of a sum with every action, and zero points beside a written and a dropped one.
// Guarantee: each is done, what was added stands in the order of time, and exemplars stay only with the
// value that they belong to (D6, D10).
func TestEveryActionOnSums(t *testing.T) {
	md := oneMetric(deltaSum(5))
	a := answers{
		points: []verdict{
			{action: actionDrop},
			{action: actionWrite, start_unix_nano: 1, time_unix_nano: 101, value_bits: 7},
			{action: actionWriteZero, start_unix_nano: 2, time_unix_nano: 102, is_double: 1},
			{action: actionWriteOverflow, start_unix_nano: 3, time_unix_nano: 103, value_bits: 9},
			{action: actionKeep, start_unix_nano: 99, time_unix_nano: 99, value_bits: 99},
		},
		added: []addedPoint{
			{point: 0, start_unix_nano: 4, time_unix_nano: 90},
			{point: 1, start_unix_nano: 1, time_unix_nano: 95, is_double: 1},
			{point: 3, start_unix_nano: 3, time_unix_nano: 96, overflow: 1},
		},
	}
	a.apply(md)
	sum := onlyMetric(md).Sum()
	assert.Equal(t, pmetric.AggregationTemporalityCumulative, sum.AggregationTemporality())
	assert.Equal(t, []string{
		"map[n:0] 0@4-90 0",
		"map[n:1] 0@1-95 0",
		"map[otel.metric.overflow:true] 0@3-96 0",
		"map[n:1] 7@1-101 1",
		"map[n:2] 0@2-102 0",
		"map[otel.metric.overflow:true] 9@3-103 1",
		"map[n:4] 1@0-104 1",
	}, numbers(sum.DataPoints()))
	assert.Empty(t, a.added)
}

// Scenario: a gauge whose points are kept or dropped.
// Guarantee: it stays a gauge, and kept points stay as they are.
func TestGaugesStayGauges(t *testing.T) {
	metric := pmetric.NewMetric()
	deltaSum(2).Sum().DataPoints().CopyTo(metric.SetEmptyGauge().DataPoints())
	md := oneMetric(metric)
	a := answers{selection: selection{gauges: true}, points: []verdict{{action: actionDrop}, {action: actionKeep}}}
	a.apply(md)
	assert.Equal(t, []string{"map[n:1] 1@0-101 1"}, numbers(onlyMetric(md).Gauge().DataPoints()))
}

// Scenario: some metrics, scopes and resources become empty, others came empty, others are not shown.
// Guarantee: only what became empty is removed.
func TestOnlyEmptiedIsRemoved(t *testing.T) {
	md := pmetric.NewMetrics()
	emptied := md.ResourceMetrics().AppendEmpty()
	deltaSum(1).CopyTo(emptied.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
	deltaSum(1).CopyTo(emptied.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
	mixed := md.ResourceMetrics().AppendEmpty()
	mixed.ScopeMetrics().AppendEmpty() // came empty
	metrics := mixed.ScopeMetrics().AppendEmpty().Metrics()
	deltaSum(1).CopyTo(metrics.AppendEmpty())
	cameEmpty := metrics.AppendEmpty()
	deltaSum(0).CopyTo(cameEmpty)
	cameEmpty.SetName("came empty")
	metrics.AppendEmpty().SetName("no kind")
	everyMetric()["summary"].CopyTo(metrics.AppendEmpty())
	md.ResourceMetrics().AppendEmpty().SetSchemaUrl("came empty")

	a := answers{points: make([]verdict, 3)} // all are dropped
	a.apply(md)
	assert.Equal(t, 2, md.ResourceMetrics().Len())
	assert.Equal(t, "came empty", md.ResourceMetrics().At(1).SchemaUrl())
	scopes := md.ResourceMetrics().At(0).ScopeMetrics()
	assert.Equal(t, 2, scopes.Len())
	names := []string{}
	for _, metric := range scopes.At(1).Metrics().All() {
		names = append(names, metric.Name())
	}
	assert.Equal(t, []string{"came empty", "no kind", "summary"}, names)
}

// Scenario: several metrics of all kinds in several scopes and resources, each point with a value of its own.
// Guarantee: both walks go through the points in the same order: each gets the answer to itself.
func TestBothWalksAgree(t *testing.T) {
	md := pmetric.NewMetrics()
	names := []string{}
	metrics := everyMetric()
	for name := range metrics {
		names = append(names, name)
	}
	slices.Sort(names)
	for range 2 {
		rm := md.ResourceMetrics().AppendEmpty()
		for range 2 {
			sm := rm.ScopeMetrics().AppendEmpty()
			for _, name := range names {
				metrics[name].CopyTo(sm.Metrics().AppendEmpty())
			}
		}
	}
	e := encoder{selection: selection{gauges: true}}
	buffer := e.encode(md, nil, began, 0)
	assert.NotEmpty(t, buffer)
	shown := 0
	a := answers{selection: e.selection, points: make([]verdict, e.points)}
	for i := range a.points {
		a.points[i].action = actionKeep
	}
	a.apply(md)
	for name, metric := range metrics {
		if e.selection.metric(metric) {
			shown += 4
		} else {
			t.Logf("not shown: %s", name)
		}
	}
	assert.Equal(t, shown, int(e.points))
	assert.Equal(t, shown, a.next)
}
