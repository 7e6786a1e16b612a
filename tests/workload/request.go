// Package workload sends requests that are all different, knows of each what it adds, and repeats it until it is taken.
// So a test can say after a crash what totals must be: what was acknowledged, and of the requests that were on their way
// each either whole or not at all.
package workload

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// Request is a request with what it adds to which series, written as harness.Shown has them.
type Request struct {
	capture.Request
	Adds capture.Totals
}

// Source makes requests, each with a window of its own. It is used by one goroutine.
type Source interface {
	Next() (Request, error)
}

// newRequest encodes metrics. The points of delta temporality tell what they add; `more` is what the others add.
func newRequest(md pmetric.Metrics, trimmed []string, more capture.Totals) (Request, error) {
	encoded, err := capture.FromMetrics(md, capture.Protobuf)
	adds := capture.Totals{}
	addTo(adds, more)
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				addTo(adds, deltas(m, trimmed))
			}
		}
	}
	return Request{encoded, adds}, err
}

// deltas are what the points of a metric add, if they are deltas.
func deltas(m pmetric.Metric, trimmed []string) capture.Totals {
	out := capture.Totals{}
	switch m.Type() {
	case pmetric.MetricTypeSum:
		if m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityDelta {
			return nil
		}
		for _, p := range m.Sum().DataPoints().All() {
			out[capture.Key(m.Name(), labels(p.Attributes(), trimmed))] += number(p)
		}
	case pmetric.MetricTypeHistogram:
		if m.Histogram().AggregationTemporality() != pmetric.AggregationTemporalityDelta {
			return nil
		}
		for _, p := range m.Histogram().DataPoints().All() {
			addTo(out, harness.ExplicitEntries(m.Name(), without(p, pmetric.NewHistogramDataPoint(), trimmed)))
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			addTo(out, harness.ExponentialEntries(m.Name(), without(p, pmetric.NewExponentialHistogramDataPoint(), trimmed)))
		}
	}
	return out
}

// point is what points of both kinds of histograms have in common.
type point[P any] interface {
	CopyTo(P)
	Attributes() pcommon.Map
}

// without copies a point and takes the trimmed attributes off.
func without[P point[P]](p, into P, trimmed []string) P {
	p.CopyTo(into)
	for _, name := range trimmed {
		into.Attributes().Remove(name)
	}
	return into
}

func labels(attributes pcommon.Map, trimmed []string) map[string]string {
	out := map[string]string{}
	for name, value := range attributes.All() {
		out[name] = value.AsString()
	}
	for _, name := range trimmed {
		delete(out, name)
	}
	return out
}

func number(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}

func addTo(totals, more capture.Totals) {
	for key, value := range more {
		totals[key] += value
	}
}
