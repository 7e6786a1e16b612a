// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// encoder writes the flat buffer.
type encoder struct {
	buffer
	selection selection
	points    uint32
	shared    shared
}

// encode writes what the library is shown of md and returns the buffer, or nil if that is nothing.
func (e *encoder) encode(md pmetric.Metrics, metadata Metadata, wall time.Time, monotonic time.Duration) []byte {
	e.used, e.points, e.shared = 0, 0, shared{prefix: notShared}
	header := e.reserve(C.sizeof_tl_batch_header)
	e.metadata(metadata)
	metadataBytes := e.used - C.sizeof_tl_batch_header
	e.align()
	found := false
	for _, rm := range md.ResourceMetrics().All() {
		if e.selection.resource(rm) {
			found = true
			e.resourceMetrics(rm)
		}
	}
	if !found {
		return nil
	}
	*(*C.tl_batch_header)(e.at(header)) = C.tl_batch_header{
		magic:          C.TL_MAGIC,
		layout_version: C.TL_LAYOUT_VERSION,
		total_bytes:    C.uint64_t(e.used),
		wall_unix_nano: C.uint64_t(wall.UnixNano()),
		monotonic_nano: C.uint64_t(monotonic.Nanoseconds()),
		point_count:    C.uint32_t(e.points),
		metadata_bytes: C.uint32_t(metadataBytes),
	}
	return e.bytes[:e.used]
}

func (e *encoder) resourceMetrics(rm pmetric.ResourceMetrics) {
	record := e.reserve(C.sizeof_tl_resource_record)
	attributes := e.attributes(rm.Resource().Attributes())
	e.text(rm.SchemaUrl())
	*(*C.tl_resource_record)(e.at(record)) = C.tl_resource_record{
		tag:              C.TL_TAG_RESOURCE,
		attribute_bytes:  C.uint32_t(attributes),
		schema_url_bytes: C.uint32_t(len(rm.SchemaUrl())),
	}
	e.align()
	for _, sm := range rm.ScopeMetrics().All() {
		e.scopeMetrics(sm)
	}
}

func (e *encoder) scopeMetrics(sm pmetric.ScopeMetrics) {
	scope := sm.Scope()
	record := e.reserve(C.sizeof_tl_scope_record)
	attributes := e.attributes(scope.Attributes())
	e.text(scope.Name())
	e.text(scope.Version())
	e.text(sm.SchemaUrl())
	*(*C.tl_scope_record)(e.at(record)) = C.tl_scope_record{
		tag:              C.TL_TAG_SCOPE,
		attribute_bytes:  C.uint32_t(attributes),
		name_bytes:       C.uint32_t(len(scope.Name())),
		version_bytes:    C.uint32_t(len(scope.Version())),
		schema_url_bytes: C.uint32_t(len(sm.SchemaUrl())),
	}
	e.align()
	metrics := sm.Metrics()
	for i := range metrics.Len() {
		if metric := metrics.At(i); e.selection.metric(metric) {
			e.metric(metric)
		}
	}
}

// metric writes a metric that the selection holds, with its points.
func (e *encoder) metric(metric pmetric.Metric) {
	switch metric.Type() {
	case pmetric.MetricTypeSum:
		sum := metric.Sum()
		e.metricRecord(metric, C.TL_METRIC_KIND_SUM, sum.AggregationTemporality(), sum.IsMonotonic())
		e.numberPoints(sum.DataPoints())
	case pmetric.MetricTypeGauge:
		e.metricRecord(metric, C.TL_METRIC_KIND_GAUGE, pmetric.AggregationTemporalityDelta, false)
		e.numberPoints(metric.Gauge().DataPoints())
	case pmetric.MetricTypeHistogram:
		histogram := metric.Histogram()
		e.metricRecord(metric, C.TL_METRIC_KIND_EXPLICIT_HISTOGRAM, histogram.AggregationTemporality(), true)
		e.histogramPoints(histogram.DataPoints())
	case pmetric.MetricTypeExponentialHistogram:
		histogram := metric.ExponentialHistogram()
		e.metricRecord(metric, C.TL_METRIC_KIND_EXPONENTIAL_HISTOGRAM, histogram.AggregationTemporality(), true)
		e.exponentialPoints(histogram.DataPoints())
	}
}

func (e *encoder) metricRecord(metric pmetric.Metric, kind C.uint8_t, temporality pmetric.AggregationTemporality, monotonic bool) {
	name, unit, description := metric.Name(), metric.Unit(), metric.Description()
	code := C.uint8_t(C.TL_TEMPORALITY_DELTA)
	if temporality == pmetric.AggregationTemporalityCumulative {
		code = C.TL_TEMPORALITY_CUMULATIVE
	}
	record := e.reserve(C.sizeof_tl_metric_record)
	e.text(name)
	e.text(unit)
	e.text(description)
	*(*C.tl_metric_record)(e.at(record)) = C.tl_metric_record{
		tag:               C.TL_TAG_METRIC,
		monotonic:         boolByte(monotonic),
		kind:              kind,
		temporality:       code,
		name_bytes:        C.uint32_t(len(name)),
		unit_bytes:        C.uint32_t(len(unit)),
		description_bytes: C.uint32_t(len(description)),
	}
	e.align()
}

func (e *encoder) numberPoints(points pmetric.NumberDataPointSlice) {
	for i := range points.Len() {
		e.numberPoint(points.At(i))
	}
	e.points += uint32(points.Len())
}

func (e *encoder) numberPoint(point pmetric.NumberDataPoint) {
	record := e.reserve(C.sizeof_tl_point_record)
	attributes := e.pointAttributes(point.Attributes())
	header := (*C.tl_point_record)(e.at(record))
	*header = C.tl_point_record{
		tag:               C.TL_TAG_POINT,
		no_recorded_value: boolByte(point.Flags().NoRecordedValue()),
		attribute_bytes:   C.uint32_t(attributes),
		start_unix_nano:   C.uint64_t(point.StartTimestamp()),
		time_unix_nano:    C.uint64_t(point.Timestamp()),
	}
	switch point.ValueType() {
	case pmetric.NumberDataPointValueTypeInt:
		header.value_bits = C.uint64_t(point.IntValue())
	case pmetric.NumberDataPointValueTypeDouble:
		header.is_double = 1
		header.value_bits = C.uint64_t(math.Float64bits(point.DoubleValue()))
	default:
		header.no_recorded_value = 1 // a point without any value: D9
	}
	e.align()
}

func boolByte(value bool) C.uint8_t {
	if value {
		return 1
	}
	return 0
}
