package labels

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// everyKind has one point of each kind of metric, all with a start, and exemplars where there can be some.
func everyKind(attributes func(pcommon.Map)) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "claude-code")
	metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
	exemplar := func(exemplars pmetric.ExemplarSlice) {
		e := exemplars.AppendEmpty()
		e.SetTraceID([16]byte{1, 2})
		e.SetDoubleValue(3)
		e.FilteredAttributes().PutStr("source", "exemplar")
		e.FilteredAttributes().PutStr("job", "exemplar")
	}
	named := func(name string) pmetric.Metric {
		metric := metrics.AppendEmpty()
		metric.SetName(name)
		return metric
	}
	stamp := func(point timed) {
		point.SetStartTimestamp(1_700_000_000_000_000_000)
		point.SetTimestamp(1_700_000_001_000_000_000)
		attributes(point.Attributes())
	}
	stamp(named("gauge").SetEmptyGauge().DataPoints().AppendEmpty())
	stamp(named("up_down").SetEmptySum().DataPoints().AppendEmpty())
	counter := named("counter").SetEmptySum()
	counter.SetIsMonotonic(true)
	histogram := named("histogram").SetEmptyHistogram()
	exponential := named("exponential").SetEmptyExponentialHistogram()
	for _, set := range []func(pmetric.AggregationTemporality){
		metrics.At(1).Sum().SetAggregationTemporality, counter.SetAggregationTemporality,
		histogram.SetAggregationTemporality, exponential.SetAggregationTemporality,
	} {
		set(pmetric.AggregationTemporalityCumulative)
	}
	number := counter.DataPoints().AppendEmpty()
	number.SetIntValue(5)
	stamp(number)
	exemplar(number.Exemplars())
	explicit := histogram.DataPoints().AppendEmpty()
	explicit.ExplicitBounds().FromRaw([]float64{1, 5})
	explicit.BucketCounts().FromRaw([]uint64{1, 2, 3})
	explicit.SetCount(6)
	stamp(explicit)
	exemplar(explicit.Exemplars())
	native := exponential.DataPoints().AppendEmpty()
	native.Positive().BucketCounts().FromRaw([]uint64{1, 2})
	native.SetCount(3)
	stamp(native)
	exemplar(native.Exemplars())
	quantile := named("summary").SetEmptySummary().DataPoints().AppendEmpty()
	quantile.QuantileValues().AppendEmpty().SetQuantile(0.5)
	stamp(quantile)
	return md
}

// Scenario: a const label, the exporter's `job` and another attribute each collide with an attribute of a point, in
// every kind of metric; some points have exemplars, whose own attributes bear the same names.
// Guarantee: the exporter alone shows none of them; with the processor the page is the one of points that never had the
// colliding names, with the settled labels besides, and exemplars are as they were.
func TestEveryKind(t *testing.T) {
	s := with(constSource, func(s *settings) { s.timestamps = true })
	collide := func(attributes pcommon.Map) {
		attributes.PutStr("source", "config")
		attributes.PutStr("job", "nightly")
		attributes.PutStr("a.b", "1")
		attributes.PutStr("a_b", "2")
	}
	settled := func(attributes pcommon.Map) {
		attributes.PutStr("source", "config")
		attributes.PutStr("exported_job", "nightly")
		attributes.PutStr("a_b", "1;2")
	}
	stock, ours, want := stockPage(t, s), ourPage(t, s), stockPage(t, noScopeWithTime)
	stock.take(t, everyKind(collide))
	ours.take(t, everyKind(collide))
	want.take(t, everyKind(settled))
	assert.Empty(t, stock.series(t))
	for form := range forms {
		page := ours.read(t, form)
		assert.Equal(t, want.read(t, form), page, form)
		for _, name := range []string{"gauge", "up_down", "counter", "histogram", "exponential", "summary"} {
			assert.Contains(t, page, name, form)
		}
		if form == "openmetrics" {
			assert.Equal(t, 2, strings.Count(page, `# {trace_id="01020000000000000000000000000000"} 3.0`), page) // as text, of a native histogram none
		}
	}
	assert.Empty(t, ours.lost())
}

var noScopeWithTime = with(noScope, func(s *settings) { s.timestamps = true })

// Scenario: an attribute `le` in a histogram, with explicit and with exponential buckets.
// Guarantee: the exporter alone writes that label twice, and a scraper refuses such a page whole; with the processor no
// line has a label twice, and the attribute is there as `exported_le`.
func TestBucketLabel(t *testing.T) {
	twice := regexp.MustCompile(`le="[^"]*",le="`)
	stock, ours := stockPage(t, noScope), ourPage(t, noScope)
	for _, p := range []*page{stock, ours} {
		p.take(t, everyKind(func(attributes pcommon.Map) { attributes.PutStr("le", "here") }))
	}
	assert.Regexp(t, twice, stock.read(t, "text"))
	text := ours.read(t, "text")
	assert.NotRegexp(t, twice, text)
	assert.Contains(t, text, `histogram_bucket{exported_le="here",job="claude-code",le="1"} 1`)
	assert.Contains(t, text, `exponential_bucket{exported_le="here",job="claude-code",le="+Inf"} 3`)
	assert.Contains(t, text, `counter_total{job="claude-code",le="here"} 5`) // nothing collides
	assert.Empty(t, ours.lost())
}

// Scenario: recorded sessions of a real client to the exporter of seed S4 (`const_labels: {source: otel-collector}`).
// Guarantee: alone it shows no decision on edits, which has a `source` of its own; with the processor these are there
// with it, and every other line is what it was.
func TestCapturesOfSeedWithConstLabel(t *testing.T) {
	const metric = "claude_code_code_edit_tool_decision_total"
	s := settings{constLabels: map[string]string{"source": "otel-collector"}}
	for _, version := range capture.Versions {
		stock, ours := stockPage(t, s), ourPage(t, s)
		for _, md := range captured(t, version) {
			stock.take(t, md)
			ours.take(t, md)
		}
		var gained []string
		before := map[string]bool{}
		for _, line := range stock.series(t) {
			before[line] = true
			assert.NotContains(t, line, metric)
		}
		require.NotEmpty(t, before)
		for _, line := range ours.series(t) {
			if !before[line] {
				gained = append(gained, line)
			}
			delete(before, line)
		}
		assert.Empty(t, before, "lost")
		require.NotEmpty(t, gained)
		for _, line := range gained {
			assert.True(t, strings.HasPrefix(line, metric+"{"), line)
			assert.Contains(t, line, `source="config"`)
		}
	}
}

// Scenario: recorded sessions of a real client to the pipeline of seed S2: resource attribute `job`, upserted to
// `claude`, all resource attributes as labels, and timestamps.
// Guarantee: alone the exporter shows nothing but what it says about targets; with the processor every line of an
// exporter that has no such `job` is there, with `job="claude"`.
func TestCapturesOfSeedWithJob(t *testing.T) {
	s := settings{resource: true, timestamps: true}
	for _, version := range capture.Versions {
		stock, ours, without := stockPage(t, s), ourPage(t, s), stockPage(t, s)
		for _, md := range captured(t, version) {
			without.take(t, md)
			for _, rm := range md.ResourceMetrics().All() {
				rm.Resource().Attributes().PutStr("job", "claude")
			}
			stock.take(t, md)
			ours.take(t, md)
		}
		assert.Empty(t, stock.series(t))
		assert.NotEmpty(t, stock.lost())
		want := without.series(t)
		require.NotEmpty(t, want)
		for i, line := range want {
			require.Contains(t, line, `job="claude-code"`)
			want[i] = strings.Replace(line, `job="claude-code"`, `job="claude"`, 1)
		}
		assert.ElementsMatch(t, want, ours.series(t))
		assert.Contains(t, want[0], `service_name="claude-code"`)
		assert.Empty(t, ours.lost())
	}
}
