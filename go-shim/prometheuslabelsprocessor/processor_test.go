// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor/internal/metadata"
)

// twoPoints is a request with two points of one summary.
func twoPoints() pmetric.Metrics {
	md := pmetric.NewMetrics()
	points := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptySummary().DataPoints()
	points.AppendEmpty()
	points.AppendEmpty()
	return md
}

// parts are the first resource of a request, its first scope and the points.
func parts(md pmetric.Metrics) (pcommon.Map, pmetric.ScopeMetrics, []pcommon.Map) {
	rm := md.ResourceMetrics().At(0)
	var points []pcommon.Map
	eachPoint(md, func(_ pcommon.Map, _ pmetric.ScopeMetrics, _ pmetric.Metric, point pcommon.Map) {
		points = append(points, point)
	})
	return rm.Resource().Attributes(), rm.ScopeMetrics().At(0), points
}

func newTestProcessor(t testing.TB, cfg *Config) *labelsProcessor {
	t.Helper()
	p, err := newProcessor(processortest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	return p
}

// Scenario: attributes of all types, none of which collides.
// Guarantee: every one of them, of resource, scope and points, is what it was, in its place and with its type.
func TestNothingIsTouched(t *testing.T) {
	md := twoPoints()
	resource, scope, points := parts(md)
	for _, attributes := range []pcommon.Map{resource, scope.Scope().Attributes(), points[0], points[1]} {
		require.NoError(t, attributes.FromRaw(map[string]any{
			"b": true, "i": int64(1), "d": 0.5, "n": nil, "s": "", "bytes": []byte{255}, "list": []any{"\xff"}, "map": map[string]any{"a": "b"}, "le": "1", "job": "j",
		}))
	}
	want := pmetric.NewMetrics()
	md.CopyTo(want)
	got, err := newTestProcessor(t, &Config{}).process(t.Context(), md)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// Scenario: a client sends one key several times, as the wire allows.
// Guarantee: one label stays, and it says all of it.
func TestEqualKeys(t *testing.T) {
	md, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics([]byte(`{"resourceMetrics":[{
		"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"c"}},{"key":"job","value":{"stringValue":"x"}},{"key":"job","value":{"stringValue":"y"}}]},
		"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"attributes":[
			{"key":"a","value":{"stringValue":"1"}},{"key":"b","value":{"intValue":"7"}},{"key":"a","value":{"stringValue":"2"}},{"key":"job","value":{"stringValue":"z"}}]}]}}]}]}]}`))
	require.NoError(t, err)
	cfg := &Config{WithoutScopeInfo: true}
	_, err = newTestProcessor(t, cfg).process(t.Context(), md)
	require.NoError(t, err)
	_, _, points := parts(md)
	assert.Equal(t, map[string]any{"a": "1;2", "b": int64(7), "exported_job": "z"}, points[0].AsRaw())
	cfg.ResourceAttributes = true
	_, err = newTestProcessor(t, cfg).process(t.Context(), md)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"a": "1;2", "b": int64(7), "exported_job": "z", "service.name": "c"}, points[0].AsRaw())
}

// Scenario: requests come at once, each with names of its own among common ones.
// Guarantee: none sees the labels of another (run with -race).
func TestRequestsAtOnce(t *testing.T) {
	p := newTestProcessor(t, &Config{ConstLabels: map[string]string{"source": "const"}, WithoutScopeInfo: true})
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			for i := range 200 {
				md := twoPoints()
				_, _, points := parts(md)
				points[0].PutStr("source", fmt.Sprint(n))
				points[0].PutStr(fmt.Sprintf("a.%d", i), "1")
				points[0].PutStr(fmt.Sprintf("a_%d", i), "2")
				_, err := p.process(context.Background(), md)
				assert.NoError(t, err)
				assert.Equal(t, map[string]any{"source": fmt.Sprint(n), fmt.Sprintf("a.%d", i): "1;2"}, points[0].AsRaw())
				assert.Equal(t, map[string]any{"source": "const"}, points[1].AsRaw())
			}
		})
	}
	wait.Wait()
}

// Scenario: a client makes up names without end, or a few that are very long.
// Guarantee: what is remembered of them stays bounded, and const labels go on working.
func TestMemoryOfNamesIsBounded(t *testing.T) {
	p := newTestProcessor(t, &Config{ConstLabels: map[string]string{"source": "const"}, WithoutScopeInfo: true})
	send := func(name string) {
		md := twoPoints()
		_, _, points := parts(md)
		points[0].PutStr(name, "v")
		_, err := p.process(t.Context(), md)
		require.NoError(t, err)
		require.Equal(t, map[string]any{name: "v", "source": "const"}, points[0].AsRaw())
		for range len(p.idle) {
			w := <-p.idle
			require.LessOrEqual(t, len(w.labels.byKey), maxRememberedNames)
			require.LessOrEqual(t, w.labels.bytes, maxRememberedBytes)
			require.Zero(t, w.promoted.Len())
			p.idle <- w
		}
	}
	for n := range 3 * maxRememberedNames {
		send(fmt.Sprintf("name-%d", n))
	}
	for n := range 5 {
		send(strings.Repeat("x", maxRememberedBytes/2) + fmt.Sprint(n))
	}
}

// Scenario: points with very many attributes that all collide, in each way.
// Guarantee: the time grows with their number, not with its square: here a hundred thousand in well under the ten
// seconds that a square would take many times over.
func TestManyCollisionsInOnePoint(t *testing.T) {
	const many = 100_000
	for name, key := range map[string]func(int) string{
		"one label": func(n int) string { return "a" + strings.Repeat(".", n%2) + strings.Repeat("_", 1-n%2) },
		"no labels": func(n int) string { return fmt.Sprintf("__%d", n) },
	} {
		t.Run(name, func(t *testing.T) {
			var body strings.Builder
			for n := range many {
				fmt.Fprintf(&body, `{"key":%q,"value":{"stringValue":"%d"}},`, key(n), n)
			}
			md, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics([]byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"attributes":[` +
				strings.TrimSuffix(body.String(), ",") + `]}]}}]}]}]}`))
			require.NoError(t, err)
			begin := time.Now()
			_, err = newTestProcessor(t, &Config{WithoutScopeInfo: true}).process(t.Context(), md)
			require.NoError(t, err)
			assert.Less(t, time.Since(begin), 10*time.Second)
			_, _, points := parts(md)
			assert.Contains(t, []int{1, many}, points[0].Len())
		})
	}
}

// Scenario: a request of a thousand points, each with an own label in place of the const label, else without collisions.
// Guarantee: no memory per point, only the few allocations of the request itself.
func TestPointsCostNoMemory(t *testing.T) {
	p := newTestProcessor(t, &Config{ConstLabels: map[string]string{"type": "const"}})
	md := benchRequest(nil)
	allocations := testing.AllocsPerRun(10, func() {
		if _, err := p.process(t.Context(), md); err != nil {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocations, 5.0)
}
