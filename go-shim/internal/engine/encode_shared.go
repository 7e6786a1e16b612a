// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"encoding/binary"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// valueShared is the type of a record that stands for attributes that an earlier point wrote, as the
// library's attribute format numbers it.
const valueShared = 8

// sharedMarker is the size of such a record.
const sharedMarker = attributeHeader + 8

// Attributes in common are referred to only where that saves something, and only a few of them, so that a
// point that is too large for a stream of its own (rule T5) is too large however it is written.
const (
	minShared = 64
	maxShared = 4 << 10
)

// Values of shared.prefix that are no length.
const (
	// anyPrefix: nobody has referred to the point yet.
	anyPrefix = -1
	// notShared: the point at hand is written in full.
	notShared = -2
)

// shared is the point whose attributes others of the batch refer to. Points of one request agree in
// most of their attributes: session, user, organization come first, what differs comes last.
type shared struct {
	begin, end int
	// prefix is how many of its bytes the points before had in common with it, and no more is compared.
	prefix int
}

// pointAttributes writes the attributes of a point, those that it has in common with an earlier one as a
// reference, and returns the number of bytes.
//
// They are compared where they stand, before anything is written: most of them never have to be.
func (e *encoder) pointAttributes(attributes pcommon.Map) int {
	begin, common, comparing := e.used, 0, true
	for key, value := range attributes.All() {
		if comparing {
			if size := e.common(common, key, value); size > 0 {
				common += size
				continue
			}
			comparing = false
			e.refer(common)
		}
		e.attributeOf(key, value)
	}
	if comparing {
		e.refer(common)
	}
	return e.finish(begin)
}

// common returns the size of an attribute's record if it is the one that stands common bytes behind the
// beginning of the shared point, and 0 if it is another, or not one to refer to.
func (e *encoder) common(common int, key string, value pcommon.Value) int {
	if value.Type() != pcommon.ValueTypeStr || common == e.shared.prefix {
		return 0
	}
	base := e.bytes[e.shared.begin+common : e.shared.end]
	text := value.Str()
	size := attributeHeader + len(key) + len(text)
	if len(base) < size ||
		binary.NativeEndian.Uint32(base) != uint32(len(key))<<8|valueString ||
		binary.NativeEndian.Uint32(base[4:]) != uint32(len(text)) ||
		string(base[attributeHeader:attributeHeader+len(key)]) != key ||
		string(base[attributeHeader+len(key):size]) != text {
		return 0
	}
	return size
}

// refer writes what a point has in common with the shared one: as a reference, or, where that is too
// little, in full.
func (e *encoder) refer(common int) {
	if common < minShared || common < (e.shared.end-e.shared.begin)/2 {
		place := e.reserve(common)
		copy(e.bytes[place:], e.bytes[e.shared.begin:e.shared.begin+common])
		e.shared.prefix = notShared
		return
	}
	// The library hashes what is referred to once, as long as it stays the same.
	e.shared.prefix = common
	marker := e.bytes[e.reserve(sharedMarker):]
	binary.NativeEndian.PutUint32(marker, valueShared)
	binary.NativeEndian.PutUint32(marker[4:], 8)
	binary.NativeEndian.PutUint32(marker[8:], uint32(e.shared.begin))
	binary.NativeEndian.PutUint32(marker[12:], uint32(common))
}

// finish ends the attributes that began at begin: written in full, they are the ones to refer to from now
// on. It returns their length.
func (e *encoder) finish(begin int) int {
	size := e.used - begin
	if e.shared.prefix == notShared {
		e.shared = shared{begin: begin, end: begin + min(size, maxShared), prefix: anyPrefix}
	}
	return size
}
