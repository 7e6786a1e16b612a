// SPDX-License-Identifier: Apache-2.0

// Package goldentest plays requests of files through a processor and compares what leaves with a file.
package goldentest

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
)

// write makes Run write expected.yaml. Read the difference before you commit it.
var write = flag.Bool("write-golden", false, "write testdata/golden/*/expected.yaml anew")

// Step is something that happens at a time since the engine began.
type Step struct {
	At    time.Duration
	Input string // a file of the case, without .yaml; none: a tick
	Final bool   // the tick of Shutdown
}

// Requests returns steps that bring input-1.yaml, input-2.yaml and so on, at these times.
func Requests(at ...time.Duration) []Step {
	steps := make([]Step, 0, len(at))
	for i, at := range at {
		steps = append(steps, Step{At: at, Input: fmt.Sprintf("input-%d", i+1)})
	}
	return steps
}

// Open makes a processor that is open (accumulator.Processor.Open) and goes by the clock.
type Open func(t *testing.T, next consumer.Metrics, clock engine.Clock) *accumulator.Processor

// Run plays the steps of testdata/golden/<name> and compares what left, in this order, with expected.yaml: one
// resource entry per delivery. Only the order between streams within a delivery is free: it depends on a key that
// differs in each run.
func Run(t *testing.T, name string, open Open, steps []Step) {
	t.Helper()
	dir := filepath.Join("testdata", "golden", name)
	actual := play(t, dir, open, steps)
	expected := filepath.Join(dir, "expected.yaml")
	if *write {
		require.NoError(t, golden.WriteMetricsToFile(expected, actual, golden.SkipMetricTimestampNormalization()))
	}
	want, err := golden.ReadMetrics(expected)
	require.NoError(t, err)
	require.NoError(t, pmetrictest.CompareMetrics(want, actual))
}

// play runs the steps and returns everything that left, delivery after delivery.
func play(t *testing.T, dir string, open Open, steps []Step) pmetric.Metrics {
	sink, clock := new(consumertest.MetricsSink), new(enginetest.Clock)
	p := open(t, sink, clock.Read)
	for _, step := range steps {
		clock.MoveTo(step.At)
		if step.Input == "" {
			require.NoError(t, p.Tick(t.Context(), step.Final))
			continue
		}
		md, err := golden.ReadMetrics(filepath.Join(dir, step.Input+".yaml"))
		require.NoError(t, err)
		require.NoError(t, p.ConsumeMetrics(t.Context(), md))
	}
	all := pmetric.NewMetrics()
	for _, md := range sink.AllMetrics() {
		groupByStream(md)
		md.ResourceMetrics().MoveAndAppendTo(all.ResourceMetrics())
	}
	return all
}

// groupByStream puts the points of each stream together and keeps their order.
func groupByStream(md pmetric.Metrics) {
	stream := func(attributes pcommon.Map) string { return fmt.Sprint(attributes.AsRaw()) }
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				switch m.Type() {
				case pmetric.MetricTypeSum:
					m.Sum().DataPoints().Sort(func(a, b pmetric.NumberDataPoint) bool {
						return stream(a.Attributes()) < stream(b.Attributes())
					})
				case pmetric.MetricTypeHistogram:
					m.Histogram().DataPoints().Sort(func(a, b pmetric.HistogramDataPoint) bool {
						return stream(a.Attributes()) < stream(b.Attributes())
					})
				case pmetric.MetricTypeExponentialHistogram:
					m.ExponentialHistogram().DataPoints().Sort(func(a, b pmetric.ExponentialHistogramDataPoint) bool {
						return stream(a.Attributes()) < stream(b.Attributes())
					})
				}
			}
		}
	}
}
