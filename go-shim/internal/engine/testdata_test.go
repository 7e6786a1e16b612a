// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// began is the moment at which test engines start.
var began = time.Unix(1_800_000_000, 0)

// testClock is a clock that tests move by hand.
type testClock struct{ now time.Time }

func (c *testClock) read() (time.Time, time.Duration) { return c.now, c.now.Sub(began) + time.Hour }

func (c *testClock) advance(d time.Duration) { c.now = c.now.Add(d) }

func defaultConfig() Config {
	return Config{
		MaxStale: 24 * time.Hour, MaxLag: 5 * time.Minute, Emit: EmitEach,
		Retransmissions: Recognise, MaxStreams: 1000,
	}
}

func newTestEngine(t testing.TB, change ...func(*Config)) (*Engine, *testClock) {
	clock := &testClock{now: began}
	cfg := defaultConfig()
	cfg.Clock = clock.read
	for _, change := range change {
		change(&cfg)
	}
	e, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e, clock
}

// deltas builds one delta sum with a point per value; point i covers second i to i+1 after first.
func deltas(name string, first time.Time, values ...any) pmetric.Metrics {
	md := pmetric.NewMetrics()
	metric := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName(name)
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for i, value := range values {
		point := sum.DataPoints().AppendEmpty()
		point.Attributes().PutStr("session.id", "one")
		point.SetStartTimestamp(pcommon.NewTimestampFromTime(first.Add(time.Duration(i) * time.Second)))
		point.SetTimestamp(pcommon.NewTimestampFromTime(first.Add(time.Duration(i+1) * time.Second)))
		switch value := value.(type) {
		case int:
			point.SetIntValue(int64(value))
		case float64:
			point.SetDoubleValue(value)
		}
	}
	return md
}

// emitted writes the points of all metrics as `name{attributes} value@seconds after began`.
func emitted(md pmetric.Metrics) []string {
	lines := []string{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				for _, point := range metric.Sum().DataPoints().All() {
					value := any(point.IntValue())
					if point.ValueType() == pmetric.NumberDataPointValueTypeDouble {
						value = point.DoubleValue()
					}
					after := point.Timestamp().AsTime().Sub(began).Seconds()
					lines = append(lines, fmt.Sprintf("%s%v %v@%v", metric.Name(), point.Attributes().AsRaw(), value, after))
				}
			}
		}
	}
	return lines
}

func consume(t testing.TB, e *Engine, md pmetric.Metrics) ([]string, Outcomes) {
	b, err := e.Consume(md, nil)
	require.NoError(t, err)
	defer b.Release()
	return emitted(md), b.Outcomes()
}

func tick(t testing.TB, e *Engine, final bool) []string {
	lines := []string{}
	require.NoError(t, e.Tick(final, func(_ Metadata, md pmetric.Metrics) error {
		lines = append(lines, emitted(md)...)
		return nil
	}))
	return lines
}
