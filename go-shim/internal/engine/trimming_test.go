// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// trims makes an engine drop session.id from all metrics.
func trims(c *Config) {
	c.Rules = []Rule{{Metrics: []string{"*"}, Drop: []string{"session.id"}}}
}

// sessions sets session.id of each point of a request's first metric.
func sessions(md pmetric.Metrics, names ...string) pmetric.Metrics {
	for i, point := range onlyMetric(md).Sum().DataPoints().All() {
		point.Attributes().PutStr("session.id", names[i%len(names)])
	}
	return md
}

// Scenario: two sessions in one request, then each in one of its own, one of them a retry.
// Guarantee: one stream without session.id that has the sum of both; the retry adds nothing (T1, D3).
func TestTrimmedSessionsAddUp(t *testing.T) {
	e, clock := newTestEngine(t, trims)
	clock.advance(20 * time.Second)
	lines, _ := consume(t, e, sessions(deltas("tokens", began.Add(5*time.Second), 5, 7), "one", "two"))
	assert.Equal(t, []string{"tokensmap[] 0@5", "tokensmap[] 5@6", "tokensmap[] 12@7"}, lines)
	for _, c := range []struct {
		session string
		value   int
		want    []string
	}{{"one", 1, []string{"tokensmap[] 13@9"}}, {"two", 1, []string{"tokensmap[] 14@9.001"}}, {"two", 1, []string{"tokensmap[] 14@9.002"}}} {
		lines, _ = consume(t, e, sessions(deltas("tokens", began.Add(8*time.Second), c.value), c.session))
		lines = append(lines, tick(t, e, false)...)
		assert.Equal(t, c.want, lines, c.session)
	}
	stats := e.Stats()
	assert.Equal(t, int64(1), stats.Streams)
	assert.Equal(t, int64(2), stats.SourceStreams)
}

// Scenario: a point with 70 attributes, of which the 1st, 32nd, 33rd, 34th and 70th go and the 64th is bounded.
// Guarantee: exactly these, on both sides of what a verdict's bits reach (T1, T2).
func TestTrimmedBeyondTheBits(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) {
		c.Rules = []Rule{{
			Metrics: []string{"tok*"}, Drop: []string{"00", "31", "32", "33", "69"}, MaxValues: map[string]uint32{"63": 1, "05": 1},
		}}
	})
	clock.advance(20 * time.Second)
	md := deltas("tokens", began.Add(5*time.Second), 5, 7)
	for i, point := range onlyMetric(md).Sum().DataPoints().All() {
		point.Attributes().Clear()
		for number := range 70 {
			point.Attributes().PutStr(fmt.Sprintf("%02d", number), fmt.Sprint(i))
		}
	}
	consume(t, e, md)
	// Which of two values in one request comes first depends on the engine's random key.
	bounded := map[string]map[string]bool{"05": {}, "63": {}}
	for _, point := range onlyMetric(md).Sum().DataPoints().All() {
		assert.Equal(t, 65, point.Attributes().Len())
		for _, gone := range []string{"00", "31", "32", "33", "69"} {
			_, found := point.Attributes().Get(gone)
			assert.False(t, found, gone)
		}
		mine, _ := point.Attributes().Get("01")
		for key, values := range bounded {
			value, _ := point.Attributes().Get(key)
			assert.Contains(t, []string{mine.Str(), "other"}, value.Str())
			values[value.Str()] = true
		}
	}
	for key, values := range bounded {
		assert.Len(t, values, 2, key)
		assert.True(t, values["other"], key)
	}
}

// Scenario: a request with resources that differ in os.version, and one that holds only a summary; a rule drops it.
// Guarantee: every resource loses it, and the sums of the others are one stream (T1).
func TestTrimmedResources(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) { c.ResourceRule = ResourceRule{Drop: []string{"os.version"}} })
	clock.advance(20 * time.Second)
	md := pmetric.NewMetrics()
	for i, version := range []string{"14", "15"} {
		deltas("tokens", began.Add(time.Duration(5+i)*time.Second), 5).ResourceMetrics().At(0).CopyTo(md.ResourceMetrics().AppendEmpty())
		md.ResourceMetrics().At(i).Resource().Attributes().PutStr("os.version", version)
	}
	summary := md.ResourceMetrics().AppendEmpty()
	summary.Resource().Attributes().PutStr("os.version", "16")
	summary.Resource().Attributes().PutStr("service.name", "claude-code")
	summary.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().SetCount(4)
	_, err := e.Consume(md, nil)
	require.NoError(t, err)
	for _, rm := range md.ResourceMetrics().All() {
		_, found := rm.Resource().Attributes().Get("os.version")
		assert.False(t, found)
	}
	last := md.ResourceMetrics().At(md.ResourceMetrics().Len() - 1)
	assert.Equal(t, map[string]any{"service.name": "claude-code"}, last.Resource().Attributes().AsRaw())
	assert.Equal(t, uint64(4), last.ScopeMetrics().At(0).Metrics().At(0).Summary().DataPoints().At(0).Count())
	assert.Equal(t, int64(1), e.Stats().Streams)
	lines, _ := consume(t, e, deltas("tokens", began.Add(9*time.Second), 1))
	assert.Equal(t, []string{"tokensmap[session.id:one] 11@10"}, lines)
}

// Scenario: gauges of two sessions, without a rule and with one that drops session.id and adds up.
// Guarantee: untouched; then one gauge with the sum of both (T4, D14).
func TestGaugesWithAndWithoutRules(t *testing.T) {
	gauges := func() pmetric.Metrics {
		metric := pmetric.NewMetric()
		metric.SetName("context.size")
		points := metric.SetEmptyGauge().DataPoints()
		for i, session := range []string{"one", "two"} {
			point := points.AppendEmpty()
			point.Attributes().PutStr("session.id", session)
			point.SetTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Duration(i) * time.Second)))
			point.SetIntValue(int64(10 + i))
		}
		return oneMetric(metric)
	}
	e, clock := newTestEngine(t)
	clock.advance(20 * time.Second)
	md := gauges()
	_, err := e.Consume(md, nil)
	require.NoError(t, err)
	assert.Equal(t, gauges(), md)

	e, clock = newTestEngine(t, func(c *Config) {
		c.Rules = []Rule{{Metrics: []string{"context.*"}, Drop: []string{"session.id"}, Gauge: "sum"}}
	})
	clock.advance(20 * time.Second)
	_, err = e.Consume(md, nil)
	require.NoError(t, err)
	points := onlyMetric(md).Gauge().DataPoints()
	last := points.At(points.Len() - 1)
	assert.InDelta(t, 21, last.DoubleValue(), 0)
	assert.Zero(t, last.Attributes().Len())
}

// Scenario: points of all kinds carry exemplars with session.id and trace.id; a rule drops session.id from some metrics.
// Guarantee: the exemplars of these lose it, and keep all else; those of others keep it (D10).
func TestExemplarsAreTrimmed(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) {
		c.Rules = []Rule{{Metrics: []string{"tokens"}, Drop: []string{"session.id"}}}
	})
	clock.advance(20 * time.Second)
	for _, name := range []string{"tokens", "others"} {
		exemplar := func(exemplars pmetric.ExemplarSlice) {
			exemplars.RemoveIf(func(pmetric.Exemplar) bool { return true })
			attributes := exemplars.AppendEmpty().FilteredAttributes()
			attributes.PutStr("session.id", "one")
			attributes.PutStr("trace.id", "abc")
		}
		sum := deltas(name, began.Add(5*time.Second), 5)
		histogram, exponential := explicitWindow(5, 6, 1, nil, 1), exponentialWindow(5, 6, 0, 0, 1)
		exemplar(onlyMetric(sum).Sum().DataPoints().At(0).Exemplars())
		exemplar(onlyMetric(histogram).Histogram().DataPoints().At(0).Exemplars())
		exemplar(onlyMetric(exponential).ExponentialHistogram().DataPoints().At(0).Exemplars())
		onlyMetric(histogram).SetName(name)
		onlyMetric(exponential).SetName(name)
		for _, md := range []pmetric.Metrics{sum, histogram, exponential} {
			_, err := e.Consume(md, nil)
			require.NoError(t, err)
		}
		want := map[string]any{"trace.id": "abc"}
		if name == "others" {
			want["session.id"] = "one"
		}
		for _, exemplars := range []pmetric.ExemplarSlice{
			lastExemplars(onlyMetric(sum).Sum().DataPoints()),
			lastExemplars(onlyMetric(histogram).Histogram().DataPoints()),
			lastExemplars(onlyMetric(exponential).ExponentialHistogram().DataPoints()),
		} {
			assert.Equal(t, want, exemplars.At(0).FilteredAttributes().AsRaw(), name)
		}
	}
}

// lastExemplars returns the exemplars of the last point.
func lastExemplars[P interface{ Exemplars() pmetric.ExemplarSlice }, S interface {
	Len() int
	At(int) P
}](points S) pmetric.ExemplarSlice {
	return points.At(points.Len() - 1).Exemplars()
}

// Scenario: `identity: prometheus`, and clients that differ in os.version and the scope's version only.
// Guarantee: what a reader cannot tell apart is one stream, and resources keep their attributes (T0).
func TestPrometheusIdentity(t *testing.T) {
	e, clock := newTestEngine(t, func(c *Config) { c.Identity = IdentityPrometheus })
	clock.advance(20 * time.Second)
	var lines []string
	for i, version := range []string{"14", "15"} {
		md := deltas("tokens", began.Add(time.Duration(5+i)*time.Second), 5)
		md.ResourceMetrics().At(0).Resource().Attributes().PutStr("os.version", version)
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Scope().SetVersion(version)
		now, _ := consume(t, e, md)
		for _, rm := range md.ResourceMetrics().All() {
			assert.Equal(t, map[string]any{"os.version": version}, rm.Resource().Attributes().AsRaw())
		}
		lines = append(append(lines, now...), tick(t, e, false)...)
	}
	assert.Equal(t, []string{"tokensmap[session.id:one] 0@5", "tokensmap[session.id:one] 5@6", "tokensmap[session.id:one] 10@7"}, lines)
	assert.Equal(t, int64(1), e.Stats().Streams)
}
