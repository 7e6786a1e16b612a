// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator/goldentest"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Scenario: the requests of testdata/golden/<case>/input-*.yaml arrive at the given times, ticks in between.
// Guarantee: what leaves, in this order, is expected.yaml.
func TestGolden(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		change func(*Config)
		steps  []goldentest.Step
	}{
		"aligned_windows":       {steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 30 * s, Input: "input-2"}, {At: 31 * s}}},
		"idle_gap":              {steps: goldentest.Requests(20*s, 70*s)},
		"late_window":           {steps: []goldentest.Step{{At: 30 * s, Input: "input-1"}, {At: 31 * s, Input: "input-2"}, {At: 32 * s}}},
		"newest_first":          {steps: []goldentest.Step{{At: 40 * s, Input: "input-1"}, {At: 41 * s}}},
		"duplicate_request":     {steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 22 * s, Input: "input-2"}, {At: 23 * s}}},
		"rebatched_window":      {steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 30 * s, Input: "input-2"}, {At: 31 * s}}},
		"int_then_double":       {steps: goldentest.Requests(20*s, 30*s)},
		"dropped_points":        {steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 21 * s}}},
		"not_monotonic":         {steps: goldentest.Requests(20*s, 30*s)},
		"passes_untouched":      {steps: goldentest.Requests(20 * s)},
		"zero_point_held_value": {delay15s, []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 34 * s}, {At: 35 * s}, {At: 36 * s}}},
		"shutdown_ends_delay":   {delay15s, []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 21 * s, Final: true}}},
		"overlapping_windows":   {steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 21 * s, Input: "input-2"}, {At: 22 * s}}},
		"clock_behind":          {steps: []goldentest.Step{{At: 10800 * s, Input: "input-1"}, {At: 10801 * s}}},
		"clock_ahead":           {steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 21 * s}}},
		"histograms":            {steps: goldentest.Requests(20*s, 30*s)},
		"trimmed_sessions":      {claudeCode, []goldentest.Step{{At: 22 * s, Input: "input-1"}, {At: 30 * s, Input: "input-2"}, {At: 31 * s}}},
		"cumulative_clients":    {claudeCode, []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 25 * s, Input: "input-2"}, {At: 30 * s, Input: "input-3"}, {At: 31 * s}}},
		"prometheus_identity":   {prometheus, []goldentest.Step{{At: 22 * s, Input: "input-1"}, {At: 23 * s}}},
		"emitted_again":         {steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 79 * s}, {At: 80 * s}, {At: 81 * s}, {At: 140 * s}, {At: 141 * s}}},
		"emit_interval":         {interval, []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 25 * s, Input: "input-2"}, {At: 30 * s}, {At: 40 * s}}},
	} {
		t.Run(name, func(t *testing.T) {
			goldentest.Run(t, name, func(t *testing.T, next consumer.Metrics, clock engine.Clock) *accumulator.Processor {
				return newRigWith(t, processortest.NewNopSettings(metadata.Type), next, c.change, clock).Processor
			}, c.steps)
		})
	}
}

func delay15s(cfg *Config) { cfg.FirstValueDelay = 15 * time.Second }

func interval(cfg *Config) { cfg.Emit = emitInterval }

func prometheus(cfg *Config) { cfg.Identity = identityPrometheus }

func claudeCode(cfg *Config) { cfg.Cardinality.Rules = []RuleConfig{{Preset: "claude_code"}} }
