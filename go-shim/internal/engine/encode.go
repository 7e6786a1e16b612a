// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// maxDepth is how deep attribute values may nest; what lies deeper is written as an empty value.
// The library's attribute format names the same number.
const maxDepth = 16

// Value types of an attribute record, as the library's attribute format numbers them.
const (
	valueEmpty = iota
	valueString
	valueBool
	valueInt
	valueDouble
	valueBytes
	valueArray
	valueMap
)

// maxKey is the longest key that a record can carry, in bytes; longer ones are cut. A point with such
// a key gets no stream of its own (rule T5), so nothing is told apart by what is cut.
const maxKey = 1<<24 - 1

// attributeHeader is the size of an attribute record before its key.
const attributeHeader = 8

// encoder writes the flat buffer. Its memory is kept between batches.
type encoder struct {
	// buffer is as long as its capacity; used tells how much of it is written. Its memory begins at
	// a multiple of 8 bytes, as records need it: see grow.
	buffer []byte
	used   int
	points uint32
}

// encode writes all delta sums of md and returns the buffer, or nil if there are none.
func (e *encoder) encode(md pmetric.Metrics, metadata Metadata, wall time.Time, monotonic time.Duration) []byte {
	e.used, e.points = 0, 0
	header := e.reserve(C.sizeof_tl_batch_header)
	e.metadata(metadata)
	metadataBytes := e.used - C.sizeof_tl_batch_header
	e.align()
	found := false
	for _, rm := range md.ResourceMetrics().All() {
		if holdsDeltaSum(rm) {
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
	return e.buffer[:e.used]
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
		if metric := metrics.At(i); isDeltaSum(metric) {
			e.metric(metric)
		}
	}
}

func (e *encoder) metric(metric pmetric.Metric) {
	sum := metric.Sum()
	name, unit, description := metric.Name(), metric.Unit(), metric.Description()
	record := e.reserve(C.sizeof_tl_metric_record)
	e.text(name)
	e.text(unit)
	e.text(description)
	*(*C.tl_metric_record)(e.at(record)) = C.tl_metric_record{
		tag:               C.TL_TAG_METRIC,
		monotonic:         boolByte(sum.IsMonotonic()),
		name_bytes:        C.uint32_t(len(name)),
		unit_bytes:        C.uint32_t(len(unit)),
		description_bytes: C.uint32_t(len(description)),
	}
	e.align()
	points := sum.DataPoints()
	for i := range points.Len() {
		e.point(points.At(i))
	}
	e.points += uint32(points.Len())
}

func (e *encoder) point(point pmetric.NumberDataPoint) {
	record := e.reserve(C.sizeof_tl_point_record)
	attributes := e.attributes(point.Attributes())
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

// attributes writes one record per attribute and returns the number of bytes.
func (e *encoder) attributes(attributes pcommon.Map) int {
	before := e.used
	for key, value := range attributes.All() {
		if value.Type() == pcommon.ValueTypeStr {
			text := value.Str()
			place := e.record(key, valueString, len(text))
			copy(e.buffer[place:], text)
		} else {
			e.attribute(key, value, 0)
		}
	}
	return e.used - before
}

// attribute writes a value of any type; depth counts the arrays and maps around it.
func (e *encoder) attribute(key string, value pcommon.Value, depth int) {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		copy(e.buffer[e.record(key, valueString, len(value.Str())):], value.Str())
	case pcommon.ValueTypeBool:
		e.buffer[e.record(key, valueBool, 1)] = byte(boolByte(value.Bool()))
	case pcommon.ValueTypeInt:
		binary.NativeEndian.PutUint64(e.buffer[e.record(key, valueInt, 8):], uint64(value.Int()))
	case pcommon.ValueTypeDouble:
		binary.NativeEndian.PutUint64(e.buffer[e.record(key, valueDouble, 8):], math.Float64bits(value.Double()))
	case pcommon.ValueTypeBytes:
		copy(e.buffer[e.record(key, valueBytes, value.Bytes().Len()):], value.Bytes().AsRaw())
	case pcommon.ValueTypeSlice:
		e.nested(key, valueArray, depth, func() {
			for _, item := range value.Slice().All() {
				e.attribute("", item, depth+1)
			}
		})
	case pcommon.ValueTypeMap:
		e.nested(key, valueMap, depth, func() { e.sortedMap(value.Map(), depth+1) })
	default:
		e.record(key, valueEmpty, 0)
	}
}

// nested writes a record whose value is what fill writes; beyond maxDepth an empty value.
func (e *encoder) nested(key string, valueType uint32, depth int, fill func()) {
	if depth >= maxDepth {
		e.record(key, valueEmpty, 0)
		return
	}
	begin := e.used
	e.record(key, valueType, 0)
	valueBegin := e.used
	fill()
	binary.NativeEndian.PutUint32(e.buffer[begin+4:], uint32(e.used-valueBegin))
}

// sortedMap writes a map's entries by key, so that equal maps have equal records.
func (e *encoder) sortedMap(entries pcommon.Map, depth int) {
	type entry struct {
		key   string
		value pcommon.Value
	}
	sorted := make([]entry, 0, entries.Len())
	for key, value := range entries.All() {
		sorted = append(sorted, entry{key, value})
	}
	slices.SortStableFunc(sorted, func(a, b entry) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	for _, entry := range sorted {
		e.attribute(entry.key, entry.value, depth)
	}
}

// metadata writes client metadata as arrays of strings, sorted by key.
func (e *encoder) metadata(metadata Metadata) {
	if len(metadata) == 0 {
		return
	}
	keys := make([]string, 0, len(metadata))
	for key := range metadata {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		e.nested(key, valueArray, 0, func() {
			for _, text := range metadata[key] {
				copy(e.buffer[e.record("", valueString, len(text)):], text)
			}
		})
	}
}

// record writes an attribute record up to its value and returns where the value belongs.
func (e *encoder) record(key string, valueType uint32, valueBytes int) int {
	if len(key) > maxKey {
		key = key[:maxKey]
	}
	place := e.reserve(attributeHeader + len(key) + valueBytes)
	record := e.buffer[place:]
	binary.NativeEndian.PutUint32(record, uint32(len(key))<<8|valueType)
	binary.NativeEndian.PutUint32(record[4:], uint32(valueBytes))
	copy(record[attributeHeader:], key)
	return place + attributeHeader + len(key)
}

func (e *encoder) text(text string) {
	copy(e.buffer[e.reserve(len(text)):], text)
}

// reserve makes room for size bytes and returns where they begin.
func (e *encoder) reserve(size int) int {
	begin := e.used
	e.used += size
	if e.used > len(e.buffer) {
		e.grow()
	}
	return begin
}

// align moves to the next multiple of 8 and clears what it passes over.
func (e *encoder) align() {
	if rest := e.used % C.TL_ALIGNMENT; rest != 0 {
		clear(e.buffer[e.reserve(C.TL_ALIGNMENT-rest):e.used])
	}
}

// grow doubles the buffer. It is made of words, so its memory is aligned for records.
func (e *encoder) grow() {
	words := make([]uint64, max(e.used, 2*len(e.buffer), 4096)/8+1)
	grown := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
	copy(grown, e.buffer)
	e.buffer = grown
}

func (e *encoder) at(place int) unsafe.Pointer {
	return unsafe.Pointer(&e.buffer[place])
}

// isDeltaSum tells which metrics the engine works on; both walks ask it, so their points agree.
func isDeltaSum(metric pmetric.Metric) bool {
	return metric.Type() == pmetric.MetricTypeSum &&
		metric.Sum().AggregationTemporality() == pmetric.AggregationTemporalityDelta
}

func holdsDeltaSum(rm pmetric.ResourceMetrics) bool {
	for _, sm := range rm.ScopeMetrics().All() {
		for _, metric := range sm.Metrics().All() {
			if isDeltaSum(metric) {
				return true
			}
		}
	}
	return false
}

func boolByte(value bool) C.uint8_t {
	if value {
		return 1
	}
	return 0
}
