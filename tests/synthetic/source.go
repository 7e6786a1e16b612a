// Package synthetic makes requests that no recording has: clients of several versions, cumulative clients, histograms.
package synthetic

import (
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Delta and Cumulative are the temporalities of OTLP.
const (
	Delta      = pmetric.AggregationTemporalityDelta
	Cumulative = pmetric.AggregationTemporalityCumulative
)

// Source is what one client process sends with everything it sends.
type Source struct {
	Resource   map[string]string
	Scope      Scope
	Attributes map[string]string // of every point
}

// Scope is an instrumentation scope.
type Scope struct {
	Name, Version, SchemaURL string
	Attributes               map[string]string
}

// With returns the source with further attributes on every point, given as name, value, …
func (s Source) With(attributes ...string) Source {
	s.Attributes = maps.Clone(s.Attributes)
	if s.Attributes == nil {
		s.Attributes = map[string]string{}
	}
	for i := 0; i+1 < len(attributes); i += 2 {
		s.Attributes[attributes[i]] = attributes[i+1]
	}
	return s
}

// Request is a request that is being filled.
type Request struct {
	source  Source
	data    pmetric.Metrics
	metrics pmetric.MetricSlice
}

// Request begins a request of the source.
func (s Source) Request() *Request {
	data := pmetric.NewMetrics()
	resource := data.ResourceMetrics().AppendEmpty()
	put(resource.Resource().Attributes(), s.Resource)
	scope := resource.ScopeMetrics().AppendEmpty()
	scope.SetSchemaUrl(s.Scope.SchemaURL)
	scope.Scope().SetName(s.Scope.Name)
	scope.Scope().SetVersion(s.Scope.Version)
	put(scope.Scope().Attributes(), s.Scope.Attributes)
	return &Request{s, data, scope.Metrics()}
}

// Metrics is the request as far as it is filled.
func (r *Request) Metrics() pmetric.Metrics { return r.data }

// Window is the time that a point covers.
type Window struct{ Start, End time.Time }

// Sum adds a point of a monotonic sum of doubles, with further attributes given as name, value, …
func (r *Request) Sum(metric string, temporality pmetric.AggregationTemporality, w Window, value float64, attributes ...string) *Request {
	m := r.metrics.AppendEmpty()
	m.SetName(metric)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(temporality)
	point := sum.DataPoints().AppendEmpty()
	r.fill(point, w, attributes)
	point.SetDoubleValue(value)
	return r
}

// Whole adds a point of a monotonic delta sum of whole numbers, with further attributes given as name, value, …
func (r *Request) Whole(metric string, w Window, value int64, attributes ...string) *Request {
	m := r.metrics.AppendEmpty()
	m.SetName(metric)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(Delta)
	point := sum.DataPoints().AppendEmpty()
	r.fill(point, w, attributes)
	point.SetIntValue(value)
	return r
}

// dataPoint is what points of all kinds have in common.
type dataPoint interface {
	Attributes() pcommon.Map
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
}

func (r *Request) fill(point dataPoint, w Window, attributes []string) {
	put(point.Attributes(), r.source.With(attributes...).Attributes)
	point.SetStartTimestamp(pcommon.NewTimestampFromTime(w.Start))
	point.SetTimestamp(pcommon.NewTimestampFromTime(w.End))
}

func put(into pcommon.Map, attributes map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		into.PutStr(name, attributes[name])
	}
}

// Merge puts requests into one, as a batching proxy does. Resources stay apart.
func Merge(requests ...pmetric.Metrics) pmetric.Metrics {
	out := pmetric.NewMetrics()
	for _, request := range requests {
		whole := pmetric.NewMetrics()
		request.CopyTo(whole)
		whole.ResourceMetrics().MoveAndAppendTo(out.ResourceMetrics())
	}
	return out
}

// Gauge adds a point of a gauge.
func (r *Request) Gauge(metric string, at time.Time, value float64, attributes ...string) *Request {
	m := r.metrics.AppendEmpty()
	m.SetName(metric)
	point := m.SetEmptyGauge().DataPoints().AppendEmpty()
	r.fill(point, Window{Start: at, End: at}, attributes)
	point.SetDoubleValue(value)
	return r
}
