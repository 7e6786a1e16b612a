// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// everyMetric builds one metric, with one empty point, of every kind and temporality.
func everyMetric() map[string]pmetric.Metric {
	metrics := map[string]pmetric.Metric{}
	add := func(name string) pmetric.Metric {
		metrics[name] = pmetric.NewMetric()
		metrics[name].SetName(name)
		return metrics[name]
	}
	add("gauge").SetEmptyGauge().DataPoints().AppendEmpty()
	add("summary").SetEmptySummary().DataPoints().AppendEmpty()
	for name, temporality := range map[string]pmetric.AggregationTemporality{
		"delta": pmetric.AggregationTemporalityDelta, "cumulative": pmetric.AggregationTemporalityCumulative,
		"unspecified": pmetric.AggregationTemporalityUnspecified,
	} {
		sum := add(name + " sum").SetEmptySum()
		sum.SetAggregationTemporality(temporality)
		sum.DataPoints().AppendEmpty()
		histogram := add(name + " histogram").SetEmptyHistogram()
		histogram.SetAggregationTemporality(temporality)
		histogram.DataPoints().AppendEmpty()
		exponential := add(name + " exponential").SetEmptyExponentialHistogram()
		exponential.SetAggregationTemporality(temporality)
		exponential.DataPoints().AppendEmpty()
	}
	metrics["nothing"] = pmetric.NewMetric()
	return metrics
}

// Scenario: metrics of every kind and temporality, without rules and with each kind of them.
// Guarantee: delta and cumulative ones are shown, gauges only where a rule could make them equal, the
// rest never (D14, T4).
func TestWhichMetricsAreShown(t *testing.T) {
	temporal := map[string]bool{}
	for _, kind := range []string{"sum", "histogram", "exponential"} {
		temporal["delta "+kind], temporal["cumulative "+kind] = true, true
	}
	for _, c := range []struct {
		cfg    Config
		gauges bool
	}{
		{Config{}, false},
		{Config{Identity: IdentityPrometheus}, false},
		{Config{Rules: []Rule{{Metrics: []string{"*"}, Drop: []string{"session.id"}}}}, true},
		{Config{ResourceRule: ResourceRule{Drop: []string{"os.version"}}}, true},
		{Config{ResourceRule: ResourceRule{Keep: []string{}}}, true},
	} {
		for name, metric := range everyMetric() {
			want := temporal[name] || name == "gauge" && c.gauges
			assert.Equal(t, want, c.cfg.selection().metric(metric), "%s under %+v", name, c.cfg)
		}
	}
}

// Scenario: resources with and without a metric that is shown.
// Guarantee: shown for its metrics, or always where a rule changes resources.
func TestWhichResourcesAreShown(t *testing.T) {
	metrics := everyMetric()
	with := func(names ...string) pmetric.ResourceMetrics {
		rm := pmetric.NewResourceMetrics()
		for _, name := range names {
			metrics[name].CopyTo(rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
		}
		return rm
	}
	for _, resources := range []bool{false, true} {
		s := selection{resources: resources}
		assert.True(t, s.resource(with("summary", "delta sum")))
		assert.Equal(t, resources, s.resource(with("summary", "gauge")))
		assert.Equal(t, resources, s.resource(with()))
	}
}
