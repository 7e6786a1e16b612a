// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"cmp"
	"slices"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// answers hands out what the library answered to a batch, in the order in which encode wrote it.
type answers struct {
	selection selection
	// exemplars tells which of their attributes have to go (D10); nil if no rule removes any.
	exemplars *Engine

	points []verdict
	next   int // the first point that has not been handed out
	// added and edits are sorted by point, resourceEdits by resource; what is handed out is cut off.
	added         []addedPoint
	edits         []attributeEdit
	resourceEdits []attributeEdit
	resources     C.uint32_t // handed out
	words         []uint64
}

func newAnswers(view *C.tl_batch_view, e *Engine) answers {
	added := unsafe.Slice((*addedPoint)(unsafe.Pointer(view.added)), int(view.added_count))
	if len(added) > 1 {
		slices.SortStableFunc(added, func(a, b addedPoint) int { return cmp.Compare(a.point, b.point) })
	}
	a := answers{
		selection:     e.selection,
		points:        unsafe.Slice((*verdict)(unsafe.Pointer(view.verdicts)), int(view.verdict_count)),
		added:         added,
		edits:         unsafe.Slice((*attributeEdit)(unsafe.Pointer(view.point_edits)), int(view.point_edit_count)),
		resourceEdits: unsafe.Slice((*attributeEdit)(unsafe.Pointer(view.resource_edits)), int(view.resource_edit_count)),
		words:         unsafe.Slice((*uint64)(unsafe.Pointer(view.words)), int(view.word_count)),
	}
	if e.trims {
		a.exemplars = e
	}
	return a
}

// apply writes the answers into md. What becomes empty by that is removed, and nothing else.
func (a *answers) apply(md pmetric.Metrics) {
	md.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		return a.selection.resource(rm) && a.resource(rm)
	})
}

// resource applies the answers of one resource and tells whether that emptied it.
func (a *answers) resource(rm pmetric.ResourceMetrics) bool {
	scopes := rm.ScopeMetrics()
	before := scopes.Len()
	scopes.RemoveIf(a.scope)
	if edits := a.takeResourceEdits(); len(edits) > 0 {
		editAttributes(rm.Resource().Attributes(), 0, 0, edits)
	}
	return before > 0 && scopes.Len() == 0
}

// scope applies the answers of one scope and tells whether that emptied it.
func (a *answers) scope(sm pmetric.ScopeMetrics) bool {
	metrics := sm.Metrics()
	before := metrics.Len()
	metrics.RemoveIf(func(metric pmetric.Metric) bool {
		return a.selection.metric(metric) && a.metric(metric)
	})
	return before > 0 && metrics.Len() == 0
}

// metric applies the answers of one metric that the selection holds and tells whether that emptied it.
// Totals are cumulative, whatever came in; gauges stay gauges.
func (a *answers) metric(metric pmetric.Metric) bool {
	switch metric.Type() {
	case pmetric.MetricTypeSum:
		metric.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		return a.numbers(metric.Name(), metric.Sum().DataPoints())
	case pmetric.MetricTypeGauge:
		return a.numbers(metric.Name(), metric.Gauge().DataPoints())
	case pmetric.MetricTypeHistogram:
		metric.Histogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		return a.histograms(metric.Name(), metric.Histogram().DataPoints())
	case pmetric.MetricTypeExponentialHistogram:
		metric.ExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		return a.exponentials(metric.Name(), metric.ExponentialHistogram().DataPoints())
	}
	return false
}

// take hands out the verdicts of the next points, and the number of the first.
func (a *answers) take(count int) (first int, verdicts []verdict) {
	first = a.next
	a.next += count
	return first, a.points[first:a.next]
}
