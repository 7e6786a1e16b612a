package tests

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// TestDropInSwap replaces a running collector of stock parts by the product while one Prometheus goes on, which scrapes the
// one stack and is written to by the other.
//
// Scenario: each session's first request goes to the stock parts, which show a first window rightly; then they are
// stopped, the product takes their place and file, and the other requests go to it.
// Guarantee: names and labels stay identical, each counter resets once at most, what Prometheus adds up over the swap is
// the truth exactly, and increase() is, within what it extrapolates at the beginning of its range.
func TestDropInSwap(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds.Shapes(harness.MustRoot(t))[:2] {
		t.Run(seed.Name, func(t *testing.T) {
			t.Parallel()
			swap(t, seed)
		})
	}
}

func swap(t *testing.T, seed seeds.Seed) {
	t.Helper()
	box := harness.StartBox(t, stackHosts...)
	s := &stack{seed: seed, prometheus: box.StartPrometheus(t, seed.Prometheus, seed.PrometheusArguments...)}
	s.prometheus.WaitForTargets(t, targets(t, seed.Prometheus))
	start := func(binary, file string) *harness.Collector {
		return box.StartCollector(t, harness.BoxedSetup{Binary: binary, Arguments: configArguments(file), Env: environmentFor(seed)})
	}
	first, others := beginnings(t, seeds.Traffic(t, harness.MustRoot(t), "swap "+seed.Name))

	mended, _ := stockConfig(t, seed.Collector)
	stock := start(harness.StockBinary(t), mended)
	require.NoError(t, stock.Client(t, harness.GRPC).SendAll(t.Context(), first.Requests))
	before := s.waitForTruth(t, seeds.TruthOf(t, first))
	if !seed.Pushed { // what pushes does so once per change
		before = waitForSamples(t, s, 2)
	}
	require.Zero(t, stock.Stop(t, harness.Patience))

	ours := start(product(t), seed.Collector)
	require.NoError(t, ours.Client(t, harness.GRPC).SendAll(t.Context(), others.Requests))
	after := waitForSums(t, s, seeds.TruthOf(t, first), seeds.TruthOf(t, others))
	requireOneReset(t, s, before, after)
}

// beginnings splits the metrics of a capture into the first request of each session and all others.
func beginnings(t *testing.T, c capture.Capture) (first, others capture.Capture) {
	t.Helper()
	first.Sessions, others.Sessions = c.Sessions, c.Sessions
	begun := map[string]bool{}
	for _, request := range c.InOrderOfTime(t) {
		truth := seeds.TruthOf(t, capture.Capture{Requests: []capture.Request{request}})
		session := truth[0].Labels["session_id"]
		if begun[session] {
			others.Requests = append(others.Requests, request)
		} else {
			begun[session] = true
			first.Requests = append(first.Requests, request)
		}
	}
	require.Len(t, first.Requests, len(c.Sessions))
	return first, others
}

// waitForSamples waits until there are series and each has a number of samples.
func waitForSamples(t *testing.T, s *stack, count int) []harness.TimeSeries {
	t.Helper()
	var stored []harness.TimeSeries
	harness.Eventually(t, harness.Patience, fmt.Sprintf("%d samples of each series", count), func() (err error) {
		stored, err = s.stored()
		if err == nil && len(stored) == 0 {
			err = errors.New("no series")
		}
		for _, one := range stored {
			if len(one.Samples) < count {
				return fmt.Errorf("%d of %s", len(one.Samples), one.Selector())
			}
		}
		return err
	})
	return stored
}

// waitForSums waits until what Prometheus adds up of each series, over resets, is what both collectors were sent.
func waitForSums(t *testing.T, s *stack, parts ...seeds.Truth) []harness.TimeSeries {
	t.Helper()
	want := map[string]float64{}
	for _, part := range parts {
		for _, total := range part {
			want[capture.Key(total.Metric, total.Labels)] += total.Value
		}
	}
	var stored []harness.TimeSeries
	harness.Eventually(t, 2*s.seed.Delay+15*time.Second+harness.Patience, "truth over the swap", func() (err error) {
		if stored, err = s.stored(); err != nil {
			return err
		}
		var sums seeds.Truth
		for _, part := range parts {
			sums = append(sums, part...)
		}
		return seeds.CheckSums(want, s.seed.Own(), sums, stored)
	})
	return stored
}

// requireOneReset checks each series that both collectors showed.
func requireOneReset(t *testing.T, s *stack, before, after []harness.TimeSeries) {
	t.Helper()
	shared := 0
	now := map[string]harness.TimeSeries{}
	for _, series := range after {
		now[series.Selector()] = series
	}
	for _, old := range before {
		series, found := now[old.Selector()]
		require.True(t, found, "gone: %s", old.Selector())
		resets := seeds.Resets(series)
		require.LessOrEqual(t, resets, 1, "resets of %s", old.Selector())
		if series.Last().Time == old.Last().Time || resets == 0 {
			continue // only in the first request, so the product never had it
		}
		shared++
		grown := seeds.Added(series) - series.First().Value
		shown := increase(t, s.prometheus, series, series.Last().Time)
		// Before its first sample, Prometheus extrapolates to 0 at most.
		assert.GreaterOrEqual(t, shown, grown*(1-seeds.Tolerance), "increase of %s", old.Selector())
		assert.LessOrEqual(t, shown, seeds.Added(series)*(1+seeds.Tolerance), "increase of %s", old.Selector())
	}
	require.Greater(t, shared, 4, "series that both collectors showed under the same labels")
}
