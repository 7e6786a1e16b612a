// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"encoding/binary"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
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

// attributes writes one record per attribute and returns the number of bytes.
func (e *encoder) attributes(attributes pcommon.Map) int {
	before := e.used
	for key, value := range attributes.All() {
		e.attributeOf(key, value)
	}
	return e.used - before
}

// attributeOf writes an attribute that stands in no other.
func (e *encoder) attributeOf(key string, value pcommon.Value) {
	if value.Type() == pcommon.ValueTypeStr {
		e.stringAttribute(key, value.Str())
	} else {
		e.attribute(key, value, 0)
	}
}

func (e *encoder) stringAttribute(key, text string) {
	place := e.record(key, valueString, len(text))
	copy(e.bytes[place:], text)
}

// attribute writes a value of any type; depth counts the arrays and maps around it.
func (e *encoder) attribute(key string, value pcommon.Value, depth int) {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		e.stringAttribute(key, value.Str())
	case pcommon.ValueTypeBool:
		place := e.record(key, valueBool, 1)
		e.bytes[place] = byte(boolByte(value.Bool()))
	case pcommon.ValueTypeInt:
		place := e.record(key, valueInt, 8)
		binary.NativeEndian.PutUint64(e.bytes[place:], uint64(value.Int()))
	case pcommon.ValueTypeDouble:
		place := e.record(key, valueDouble, 8)
		binary.NativeEndian.PutUint64(e.bytes[place:], math.Float64bits(value.Double()))
	case pcommon.ValueTypeBytes:
		place := e.record(key, valueBytes, value.Bytes().Len())
		copy(e.bytes[place:], value.Bytes().AsRaw())
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
	binary.NativeEndian.PutUint32(e.bytes[begin+4:], uint32(e.used-valueBegin))
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
				e.stringAttribute("", text)
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
	record := e.bytes[place:]
	binary.NativeEndian.PutUint32(record, uint32(len(key))<<8|valueType)
	binary.NativeEndian.PutUint32(record[4:], uint32(valueBytes))
	copy(record[attributeHeader:], key)
	return place + attributeHeader + len(key)
}
