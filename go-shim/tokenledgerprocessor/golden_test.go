// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// writeGolden writes what came out into expected.yaml. Read the difference before you commit it.
var writeGolden = flag.Bool("write-golden", false, "write testdata/golden/*/expected.yaml anew")

// step is something that happens at a time since the engine began.
type step struct {
	at    time.Duration
	input string // a file of the case; none: a tick
	final bool   // the tick of Shutdown
}

// Scenario: the requests of testdata/golden/<case>/input-*.yaml arrive at the given times, ticks in between.
// Guarantee: what leaves, in this order, is expected.yaml: one resource entry per delivery. Only the order between
// streams within a delivery is free: it depends on a key that differs in each run.
func TestGolden(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		change func(*Config)
		steps  []step
	}{
		"aligned_windows":       {steps: []step{{at: 20 * s, input: "input-1"}, {at: 30 * s, input: "input-2"}, {at: 31 * s}}},
		"idle_gap":              {steps: []step{{at: 20 * s, input: "input-1"}, {at: 70 * s, input: "input-2"}}},
		"late_window":           {steps: []step{{at: 30 * s, input: "input-1"}, {at: 31 * s, input: "input-2"}, {at: 32 * s}}},
		"newest_first":          {steps: []step{{at: 40 * s, input: "input-1"}, {at: 41 * s}}},
		"duplicate_request":     {steps: []step{{at: 20 * s, input: "input-1"}, {at: 22 * s, input: "input-2"}, {at: 23 * s}}},
		"rebatched_window":      {steps: []step{{at: 20 * s, input: "input-1"}, {at: 30 * s, input: "input-2"}, {at: 31 * s}}},
		"int_then_double":       {steps: []step{{at: 20 * s, input: "input-1"}, {at: 30 * s, input: "input-2"}}},
		"dropped_points":        {steps: []step{{at: 20 * s, input: "input-1"}, {at: 21 * s}}},
		"not_monotonic":         {steps: []step{{at: 20 * s, input: "input-1"}, {at: 30 * s, input: "input-2"}}},
		"passes_untouched":      {steps: []step{{at: 20 * s, input: "input-1"}}},
		"zero_point_held_value": {delay15s, []step{{at: 20 * s, input: "input-1"}, {at: 34 * s}, {at: 35 * s}, {at: 36 * s}}},
		"shutdown_ends_delay":   {delay15s, []step{{at: 20 * s, input: "input-1"}, {at: 21 * s, final: true}}},
		"overlapping_windows":   {steps: []step{{at: 20 * s, input: "input-1"}, {at: 21 * s, input: "input-2"}, {at: 22 * s}}},
		"clock_behind":          {steps: []step{{at: 10800 * s, input: "input-1"}, {at: 10801 * s}}},
		"clock_ahead":           {steps: []step{{at: 20 * s, input: "input-1"}, {at: 21 * s}}},
		"emit_interval":         {interval, []step{{at: 20 * s, input: "input-1"}, {at: 25 * s, input: "input-2"}, {at: 30 * s}, {at: 40 * s}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", "golden", name)
			actual := play(t, dir, c.change, c.steps)
			expected := filepath.Join(dir, "expected.yaml")
			if *writeGolden {
				require.NoError(t, golden.WriteMetricsToFile(expected, actual, golden.SkipMetricTimestampNormalization()))
			}
			want, err := golden.ReadMetrics(expected)
			require.NoError(t, err)
			require.NoError(t, pmetrictest.CompareMetrics(want, actual))
		})
	}
}

func delay15s(cfg *Config) { cfg.FirstValueDelay = 15 * time.Second }

func interval(cfg *Config) { cfg.Emit = emitInterval }

// play runs the steps and returns everything that left, delivery after delivery.
func play(t *testing.T, dir string, change func(*Config), steps []step) pmetric.Metrics {
	sink := new(consumertest.MetricsSink)
	r := newRig(t, sink, change)
	for _, step := range steps {
		r.clock.moveTo(step.at)
		if step.input == "" {
			require.NoError(t, r.tick(t.Context(), step.final))
			continue
		}
		md, err := golden.ReadMetrics(filepath.Join(dir, step.input+".yaml"))
		require.NoError(t, err)
		require.NoError(t, r.ConsumeMetrics(t.Context(), md))
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
	stream := func(dp pmetric.NumberDataPoint) string { return fmt.Sprint(dp.Attributes().AsRaw()) }
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Type() == pmetric.MetricTypeSum {
					m.Sum().DataPoints().Sort(func(a, b pmetric.NumberDataPoint) bool { return stream(a) < stream(b) })
				}
			}
		}
	}
}
