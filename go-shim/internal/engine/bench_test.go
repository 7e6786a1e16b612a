// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// shapes are what is measured: ten attributes as Claude Code sends them, in each kind of metric.
var shapes = []struct {
	name   string
	build  func(points int) pmetric.Metrics
	config func(*Config)
}{
	{"sums", sumBatch, nil},
	{"sums_trimmed", sumBatch, trimsClaudeCode},
	{"histograms", histogramBatch, nil},
	{"histograms_trimmed", histogramBatch, trimsClaudeCode},
	{"exponential_histograms", exponentialBatch, nil},
}

// trimsClaudeCode removes what tells sessions apart and what names a person again: five of ten attributes.
func trimsClaudeCode(c *Config) {
	c.Rules = []Rule{{
		Metrics: []string{"claude_code.*"},
		Drop:    []string{"session.id", "user.id", "user.account_uuid", "user.account_id", "terminal.type"},
	}}
}

// BenchmarkConsume measures the whole call on warm streams, as ns/point; ns/op has the making of the batch
// in it as well. The comparison with contrib is `make bench`.
func BenchmarkConsume(b *testing.B) {
	for _, shape := range shapes {
		for _, points := range []int{1, 10, 25, 1000} {
			b.Run(fmt.Sprintf("%s/points=%d", shape.name, points), func(b *testing.B) {
				w := newWarm(b, shape.build(points), shape.config)
				md := pmetric.NewMetrics()
				spent := time.Duration(0)
				for b.Loop() {
					w.next(md)
					began := time.Now()
					w.consume(b, md)
					spent += time.Since(began)
				}
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*points), "ns/point")
			})
		}
	}
}

// BenchmarkEncode measures the first walk alone.
func BenchmarkEncode(b *testing.B) {
	for _, shape := range shapes {
		if shape.config != nil {
			continue // for the first walk the same as without
		}
		b.Run(shape.name, func(b *testing.B) {
			const points = 1000
			md := shape.build(points)
			var e encoder
			for b.Loop() {
				e.encode(md, nil, began, 0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*points), "ns/point")
		})
	}
}

// Scenario: batches of 100 points of known streams, in each shape.
// Guarantee: nothing is allocated but what pdata's setters allocate, one value for each number that is written.
func TestAllocations(t *testing.T) {
	const points, runs = 100, 10
	for _, shape := range shapes {
		w := newWarm(t, shape.build(points), shape.config)
		batches := make([]pmetric.Metrics, runs+1)
		for i := range batches {
			batches[i] = pmetric.NewMetrics()
			w.next(batches[i])
		}
		i := 0
		allocations := testing.AllocsPerRun(runs, func() {
			w.consume(t, batches[i])
			i++
		})
		written := 0
		if metric := onlyMetric(batches[runs]); metric.Type() == pmetric.MetricTypeSum {
			written = metric.Sum().DataPoints().Len()
		}
		assert.LessOrEqual(t, allocations, float64(written), shape.name)
	}
}

// warm makes batches of fresh deltas of streams that the engine knows.
type warm struct {
	engine *Engine
	clock  *testClock
	batch  pmetric.Metrics
}

func newWarm(t testing.TB, batch pmetric.Metrics, config func(*Config)) *warm {
	w := &warm{batch: batch}
	if config == nil {
		config = func(*Config) {}
	}
	w.engine, w.clock = newTestEngine(t, config, func(c *Config) { c.MaxStreams = 10_000 })
	w.clock.advance(time.Minute)
	for range 2 { // makes the streams with their zero points, and sends what these held back
		md := pmetric.NewMetrics()
		w.next(md)
		w.consume(t, md)
		tick(t, w.engine, false)
	}
	return w
}

// next makes md the batch as clients send it a second later.
func (w *warm) next(md pmetric.Metrics) {
	w.clock.advance(time.Second)
	w.batch.CopyTo(md)
	start, end := w.clock.now.Add(-time.Millisecond), w.clock.now
	setWindows(md, start, end)
}

func (w *warm) consume(t testing.TB, md pmetric.Metrics) {
	batch, err := w.engine.Consume(md, nil)
	if err != nil {
		t.Fatal(err)
	}
	batch.Release()
}
