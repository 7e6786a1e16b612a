package labels

import (
	"fmt"
	"math/rand/v2"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Names of attributes of which no two become one label, and none that of a const label, of the exporter or of client
// libraries. The resource may have those of points as well: it is written over them.
var (
	pointNames    = []string{"model", "type", "session.id", "user.email", "tool_name", "a-b", "0day", "größe", "le", "quantile", "CamelCase", "a__b", "_lead"}
	resourceNames = []string{"model", "os.type", "host.arch", "service.version", "team.id", "session.id", "deployment.environment"}
	scopeNames    = []string{"lib", "build.kind", "name", "version", "schema_url"}
	constNames    = []string{"source", "environment", "cluster", "otel", "zone_1"}
)

// generator makes requests in which nothing collides.
type generator struct {
	*rand.Rand
	// clock is the time of the next point, so that each is newer than those before it.
	clock pcommon.Timestamp
	// resources numbers them: two of one job and instance would have one target_info, made from either of them.
	resources int
	// oneScope: the page shows no scope, so that two would make equal series.
	oneScope bool
}

func (g *generator) settings() settings {
	s := settings{
		constLabels:      map[string]string{},
		resource:         g.IntN(2) == 0,
		excludeService:   g.IntN(2) == 0,
		withoutScopeInfo: g.IntN(2) == 0,
		strategy:         []string{"", "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes", "NoUTF8EscapingWithSuffixes", "NoTranslation"}[g.IntN(5)],
		timestamps:       g.IntN(2) == 0,
	}
	g.oneScope = s.withoutScopeInfo
	for _, name := range g.some(constNames) {
		s.constLabels[name] = g.text()
	}
	return s
}

func (g *generator) request() pmetric.Metrics {
	md := pmetric.NewMetrics()
	for range 1 + g.IntN(3) {
		rm := md.ResourceMetrics().AppendEmpty()
		g.fillResource(rm.Resource().Attributes())
		for i := range 1 + g.IntN(2) {
			if g.oneScope && i > 0 {
				break
			}
			sm := rm.ScopeMetrics().AppendEmpty()
			if !g.oneScope {
				g.fillScope(sm, i)
			}
			for range 1 + g.IntN(6) {
				g.metric(sm.Metrics().AppendEmpty())
			}
		}
	}
	return md
}

// fillScope gives each scope of a resource another name, because the exporter tells scopes apart by attributes as well that
// it does not show.
func (g *generator) fillScope(sm pmetric.ScopeMetrics, i int) {
	sm.SetSchemaUrl(g.text())
	sm.Scope().SetName([]string{"", "scope"}[i])
	sm.Scope().SetVersion(g.text())
	g.fill(sm.Scope().Attributes(), scopeNames[:2])
	if g.resources == 1 {
		g.fill(sm.Scope().Attributes(), scopeNames)
	}
}

// fillResource sets `job` and `instance` only where the exporter makes none itself.
func (g *generator) fillResource(attributes pcommon.Map) {
	g.fill(attributes, resourceNames)
	g.resources++
	if g.IntN(3) > 0 {
		attributes.PutStr("service.name", "claude-code")
		if g.IntN(2) == 0 {
			attributes.PutStr("service.namespace", g.text())
		}
	} else if g.IntN(2) == 0 {
		attributes.PutStr("job", g.text())
	}
	if g.IntN(3) > 0 {
		attributes.PutInt("service.instance.id", int64(g.resources))
	} else if g.IntN(2) == 0 {
		attributes.PutStr("instance", g.text())
	}
}

// metric makes one of any kind. The kind is part of the name, so that one name has one type; `le` and `quantile` stay
// away from the kinds where the exporter needs them.
func (g *generator) metric(metric pmetric.Metric) {
	kind := g.IntN(6)
	metric.SetName(fmt.Sprintf("kind%d.%d", kind, g.IntN(3)))
	metric.SetDescription("what " + metric.Name() + " is")
	if kind < 3 {
		metric.SetUnit([]string{"", "s", "USD", "{token}"}[g.IntN(4)])
	}
	for range 1 + g.IntN(4) {
		switch kind {
		case 0:
			g.number(points(metric, metric.Gauge, metric.SetEmptyGauge, pmetric.MetricTypeGauge).DataPoints().AppendEmpty())
		case 1, 2:
			sum := points(metric, metric.Sum, metric.SetEmptySum, pmetric.MetricTypeSum)
			sum.SetIsMonotonic(kind == 1)
			sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			g.number(sum.DataPoints().AppendEmpty())
		case 3:
			histogram := points(metric, metric.Histogram, metric.SetEmptyHistogram, pmetric.MetricTypeHistogram)
			histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			g.histogram(histogram.DataPoints().AppendEmpty())
		case 4:
			histogram := points(metric, metric.ExponentialHistogram, metric.SetEmptyExponentialHistogram, pmetric.MetricTypeExponentialHistogram)
			histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			g.exponential(histogram.DataPoints().AppendEmpty())
		case 5:
			g.summary(points(metric, metric.Summary, metric.SetEmptySummary, pmetric.MetricTypeSummary).DataPoints().AppendEmpty())
		}
	}
}

// points returns the data of a metric, which is made if it has none yet.
func points[T any](metric pmetric.Metric, get, set func() T, kind pmetric.MetricType) T {
	if metric.Type() == kind {
		return get()
	}
	return set()
}

// timed is what all points have.
type timed interface {
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
	Attributes() pcommon.Map
}

func (g *generator) stamp(point timed, without ...string) {
	g.clock += pcommon.Timestamp(1e9)
	if g.IntN(2) == 0 {
		point.SetStartTimestamp(g.clock - 5e8)
	}
	point.SetTimestamp(g.clock)
	g.fill(point.Attributes(), pointNames)
	for _, name := range without {
		point.Attributes().Remove(name)
	}
}

func (g *generator) number(point pmetric.NumberDataPoint) {
	g.stamp(point)
	if g.IntN(2) == 0 {
		point.SetIntValue(g.Int64N(1000))
	} else {
		point.SetDoubleValue(g.Float64())
	}
	g.exemplar(point.Exemplars())
}

func (g *generator) histogram(point pmetric.HistogramDataPoint) {
	g.stamp(point, "le")
	point.ExplicitBounds().FromRaw([]float64{1, 5})
	point.BucketCounts().FromRaw([]uint64{1, 2, 3})
	point.SetCount(6)
	point.SetSum(g.Float64())
	g.exemplar(point.Exemplars())
}

func (g *generator) exponential(point pmetric.ExponentialHistogramDataPoint) {
	g.stamp(point, "le")
	point.SetScale(1)
	point.Positive().BucketCounts().FromRaw([]uint64{1, 0, 2})
	point.SetCount(3)
	point.SetSum(g.Float64())
	g.exemplar(point.Exemplars())
}

func (g *generator) summary(point pmetric.SummaryDataPoint) {
	g.stamp(point, "quantile")
	point.SetCount(3)
	point.SetSum(g.Float64())
	quantile := point.QuantileValues().AppendEmpty()
	quantile.SetQuantile(0.5)
	quantile.SetValue(g.Float64())
}

func (g *generator) exemplar(exemplars pmetric.ExemplarSlice) {
	if g.IntN(2) == 0 {
		return
	}
	exemplar := exemplars.AppendEmpty()
	exemplar.SetTimestamp(g.clock)
	exemplar.SetDoubleValue(g.Float64())
	exemplar.SetTraceID([16]byte{1, byte(g.IntN(256))})
	exemplar.FilteredAttributes().PutStr("session.id", g.text())
}

// fill puts some attributes, of all types.
func (g *generator) fill(attributes pcommon.Map, names []string) {
	for _, name := range g.some(names) {
		switch g.IntN(8) {
		case 0:
			attributes.PutInt(name, g.Int64N(3))
		case 1:
			attributes.PutDouble(name, 0.5)
		case 2:
			attributes.PutBool(name, true)
		case 3:
			attributes.PutEmptyBytes(name).FromRaw([]byte{1, 2})
		case 4:
			attributes.PutEmptySlice(name).AppendEmpty().SetStr(g.text())
		case 5:
			attributes.PutEmpty(name)
		default:
			attributes.PutStr(name, g.text())
		}
	}
}

// some returns a part of names in any order.
func (g *generator) some(names []string) []string {
	var part []string
	for _, i := range g.Perm(len(names))[:g.IntN(len(names)+1)] {
		part = append(part, names[i])
	}
	return part
}

func (g *generator) text() string {
	return []string{"", "a", "b", "with \"quotes\"\n", "größe", "1"}[g.IntN(6)]
}
