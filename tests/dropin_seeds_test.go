package tests

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// TestDropInShapes runs the shape of each known stack with all signals of real clients, once with a collector of stock
// parts and once with the product.
//
// Scenario: nothing but the collector is replaced, and nothing of its configuration or of Prometheus' is changed.
// Guarantee: every total is the truth under the names and labels that the stack had, every series begins at 0, every
// kind of question that the known dashboards ask has the true answer, and docs/before-after.md says what was measured.
func TestDropInShapes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	measured := map[string][]comparison{}
	t.Run("stacks", func(t *testing.T) {
		for _, seed := range seeds.Shapes(harness.MustRoot(t)) {
			t.Run(seed.Name, func(t *testing.T) {
				t.Parallel()
				rows := requireDropIn(t, seed)
				mu.Lock()
				defer mu.Unlock()
				measured[seed.Name] = rows
			})
		}
	})
	if !t.Failed() {
		requireDocs(t, measured)
	}
}

// requireDropIn runs one stack before and after, checks all about the latter, and returns both answers to what
// docs/before-after.md asks.
func requireDropIn(t *testing.T, seed seeds.Seed) []comparison {
	t.Helper()
	traffic := seeds.Traffic(t, harness.MustRoot(t), seed.Name+" shape")
	truth := seeds.TruthOf(t, traffic)
	before := startBefore(t, seed)
	after := startStack(t, seed, product(t), environmentFor(seed))
	before.send(t, traffic)
	after.send(t, traffic)
	stored := after.waitForTruth(t, truth)
	requireOnlyOwnNames(t, seed, stored)
	requireZeros(t, stored)
	after.requireShapeAnswers(t, truth, seed.Own(), stored)
	rows := compareStacks(t, truth, before, after, stored)
	requireSameLabels(t, before, stored)
	return rows
}

// requireSameLabels checks that each series that the stock parts show is there with exactly the same name and labels.
func requireSameLabels(t *testing.T, before *stack, stored []harness.TimeSeries) {
	t.Helper()
	old, err := before.stored()
	require.NoError(t, err)
	require.Equal(t, before.seed.Timestamped, len(old) == 0, "the stock parts show nothing in this stack only")
	selectors := map[string]bool{}
	for _, series := range stored {
		selectors[series.Selector()] = true
	}
	for _, series := range old {
		assert.True(t, selectors[series.Selector()], "no longer there under its labels: %s", series.Selector())
	}
}

// TestDropInFamilies runs the shapes with the families of names switched on that a stack's own texts and dashboards ask
// for, though its configuration never produced them.
//
// Scenario: TOKEN_LEDGER_NAMES is set; everything else is as in TestDropInShapes.
// Guarantee: the same questions have the same true answers under the names of each family, and nobody is warned about what
// this adds.
func TestDropInFamilies(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds.Shapes(harness.MustRoot(t)) {
		t.Run(seed.Name, func(t *testing.T) {
			t.Parallel()
			traffic := seeds.Traffic(t, harness.MustRoot(t), seed.Name+" families")
			truth := seeds.TruthOf(t, traffic)
			s := startStack(t, seed, product(t), environmentFor(seed, "TOKEN_LEDGER_NAMES="+seed.Names))
			s.send(t, traffic)
			stored := s.waitForTruth(t, truth, seed.Families...)
			requireZeros(t, stored)
			for _, family := range append(seed.Families, seed.Own()) {
				s.requireShapeAnswers(t, truth, family, stored)
			}
			requireWarnings(t, seed, s.collector)
		})
	}
}

// TestDropInNewestPrometheus runs a stack that is scraped and one that is written to with the newest Prometheus.
//
// Scenario: that release agrees with the collector on another format of the page, and reads ranges without their left
// end. Guarantee: names, labels and answers are those of TestDropInShapes.
func TestDropInNewestPrometheus(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds.Shapes(harness.MustRoot(t))[:2] {
		seed.Newest = true
		t.Run(seed.Name, func(t *testing.T) {
			t.Parallel()
			traffic := seeds.Traffic(t, harness.MustRoot(t), seed.Name+" newest")
			truth := seeds.TruthOf(t, traffic)
			s := startStack(t, seed, product(t), environmentFor(seed))
			s.send(t, traffic)
			stored := s.waitForTruth(t, truth)
			requireOnlyOwnNames(t, seed, stored)
			requireZeros(t, stored)
			s.requireShapeAnswers(t, truth, seed.Own(), stored)
		})
	}
}

// requireOnlyOwnNames checks that the page shows the metrics of clients under the stack's own names and no others.
func requireOnlyOwnNames(t *testing.T, seed seeds.Seed, stored []harness.TimeSeries) {
	t.Helper()
	var names []string
	for _, metric := range seeds.Metrics {
		names = append(names, metric.In(seed.Own()))
	}
	for _, series := range stored {
		assert.True(t, slices.Contains(names, series.Labels["__name__"]), "new name: %s", series.Labels["__name__"])
	}
}

// requireZeros checks that each series begins at 0 and never falls, so that its increase is its total.
func requireZeros(t *testing.T, stored []harness.TimeSeries) {
	t.Helper()
	for _, series := range stored {
		require.Zero(t, series.First().Value, "first sample of %s", series.Selector())
		assert.True(t, slices.IsSortedFunc(series.Samples, func(a, b harness.Sample) int {
			if a.Value > b.Value {
				return 1
			}
			return 0
		}), "%s falls", series.Selector())
	}
}

// requireShapeAnswers asks every kind of question in one family's names. Where samples have times of their own, those of
// different series differ, and no moment is the last of all: there, what extrapolates is left to requireIdealAnswers.
func (s *stack) requireShapeAnswers(t *testing.T, truth seeds.Truth, family seeds.Family, stored []harness.TimeSeries) {
	t.Helper()
	moment := momentOf(stored)
	for _, shape := range seeds.ShapeQueries {
		if seeds.Extrapolates(shape.Expression) && (s.seed.Timestamped || s.seed.Pushed) {
			continue
		}
		answer, err := s.prometheus.Query(shape.Ask(family), askedAt(shape.Expression, moment))
		require.NoError(t, err, shape.Name)
		want := shape.Want(truth)
		got := map[string]float64{}
		for _, series := range answer {
			got[series.Labels[shape.By]] += series.Last().Value
		}
		for label, value := range want {
			assert.InDelta(t, value, got[label], seeds.Tolerance*max(1, value), "%s: %s by %q", shape.Name, shape.Ask(family), label)
		}
		assert.Len(t, got, len(want), "%s: %s", shape.Name, shape.Ask(family))
	}
	s.requireIdealAnswers(t, truth, family, stored)
}

// requireIdealAnswers asks the shapes of a Prometheus that holds the truth, too, and wants the same answers.
func (s *stack) requireIdealAnswers(t *testing.T, truth seeds.Truth, family seeds.Family, stored []harness.TimeSeries) {
	t.Helper()
	var questions []seeds.Query
	for _, shape := range seeds.ShapeQueries {
		questions = append(questions, seeds.Query{Source: shape.Name, Expression: shape.Ask(family)})
	}
	s.compareWithIdeal(t, truth, []seeds.Family{family}, stored, questions)
}
