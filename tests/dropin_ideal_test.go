package tests

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// compareWithIdeal asks the stack's Prometheus and one that holds the true totals at the same times, and wants equal
// answers. It returns which questions had an answer at all.
func (s *stack) compareWithIdeal(t *testing.T, truth seeds.Truth, families []seeds.Family, stored []harness.TimeSeries,
	questions []seeds.Query,
) (answered []seeds.Query) {
	t.Helper()
	moment := momentOf(stored)
	stored = until(stored, moment)
	totals := map[int]float64{}
	for _, family := range families {
		matched, err := truth.Match(family, stored)
		require.NoError(t, err)
		maps.Copy(totals, matched)
	}
	ideal := harness.StartBackfilledPrometheus(t, seeds.Ideal(stored, totals), globalOf(t, s.seed.Prometheus))
	for _, question := range questions {
		at := askedAt(question.Expression, moment)
		want, err := ideal.Query(question.Expression, at)
		require.NoError(t, err, question.Source)
		got, err := s.prometheus.Query(question.Expression, at)
		require.NoError(t, err, question.Source)
		if strings.Contains(question.Expression, "topk(") { // of equal values any may come
			want, got = anonymous(want), anonymous(got)
		}
		assert.Empty(t, seeds.Difference(want, got), "%s: %s", question.Source, question.Expression)
		if len(want) > 0 {
			answered = append(answered, question)
		}
	}
	return answered
}

// globalOf is the part of a configuration of Prometheus that questions depend on: the interval of subqueries without one.
func globalOf(t *testing.T, file string) string {
	t.Helper()
	var config struct{ Global map[string]any }
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &config))
	out, err := yaml.Marshal(config)
	require.NoError(t, err)
	return string(out)
}

// askedAt is when a question is asked, given the time of the newest sample. What extrapolates is exact at that time only;
// a subquery looks at whole intervals (15 s in the field), so it sees that sample a little later.
func askedAt(expression string, moment float64) float64 {
	if seeds.Extrapolates(expression) {
		return moment
	}
	return moment + 16
}

// anonymous are the same values in order of size under numbered names.
func anonymous(series []harness.TimeSeries) []harness.TimeSeries {
	out := slices.Clone(series)
	slices.SortFunc(out, func(a, b harness.TimeSeries) int {
		if a.Last().Value < b.Last().Value {
			return -1
		}
		return 1
	})
	for i := range out {
		out[i].Labels = map[string]string{"rank": string(rune('a' + i))}
	}
	return out
}
