// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package deltatocumulativeprocessor

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator/goldentest"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// openWith returns a processor that goes by a clock of the test's, without the goroutine that ticks.
func openWith(t *testing.T, set processor.Settings, next consumer.Metrics, cfg *Config, clock engine.Clock) *accumulator.Processor {
	settings := cfg.settings(set.Logger)
	settings.Engine.Clock = clock
	p, err := newProcessor(set, cfg, settings, next)
	require.NoError(t, err)
	require.NoError(t, p.Open())
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context()))) })
	return p
}

// Scenario: the requests of testdata/golden/<case>/input-*.yaml arrive at the given times, ticks in between, and an
// hour later another tick.
// Guarantee: what leaves, in this order, is expected.yaml: nothing is sent again.
func TestGolden(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		limit int
		steps []goldentest.Step
	}{
		"aligned_windows":  {steps: goldentest.Requests(20*s, 30*s)},
		"late_windows":     {steps: []goldentest.Step{{At: 40 * s, Input: "input-1"}, {At: 41 * s, Input: "input-2"}, {At: 42 * s}}},
		"histograms":       {steps: goldentest.Requests(20*s, 30*s)},
		"passes_untouched": {steps: goldentest.Requests(20 * s)},
		"stream_limit":     {limit: 1, steps: []goldentest.Step{{At: 20 * s, Input: "input-1"}, {At: 30 * s, Input: "input-2"}, {At: 31 * s}}},
	} {
		t.Run(name, func(t *testing.T) {
			steps := append(c.steps, goldentest.Step{At: time.Hour})
			goldentest.Run(t, name, func(t *testing.T, next consumer.Metrics, clock engine.Clock) *accumulator.Processor {
				cfg := createDefaultConfig().(*Config)
				if c.limit > 0 {
					cfg.MaxStreams = c.limit
				}
				return openWith(t, processortest.NewNopSettings(metadata.Type), next, cfg, clock)
			}, steps)
		})
	}
}
