// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"bytes"
	"encoding/binary"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// valueShared is the type of a record that stands for attributes that an earlier point wrote, as the
// library's attribute format numbers it.
const valueShared = 8

// sharedMarker is the size of such a record.
const sharedMarker = attributeHeader + 8

// Attributes in common are referred to only where that saves something, and never by points that are
// too large for a stream of their own (rule T5), so that equal points are always written alike.
const (
	minShared = 64
	maxShared = 16 << 10
)

// shared is the point whose attributes others of the batch refer to. Points of one request agree in
// most of their attributes: session, user, organization come first, what differs comes last.
type shared struct {
	begin, end int
	// prefix is how many of its bytes the last point had in common with it.
	prefix int
}

// pointAttributes writes the attributes of a point, those that it has in common with an earlier one as a
// reference, and returns the number of bytes.
func (e *encoder) pointAttributes(attributes pcommon.Map) int {
	begin := e.used
	if e.attributes(attributes) <= maxShared {
		e.share(begin)
	}
	return e.used - begin
}

// share replaces the beginning of the attributes just written at begin by a reference if it can.
func (e *encoder) share(begin int) {
	own, base := e.bytes[begin:e.used], e.bytes[e.shared.begin:e.shared.end]
	if prefix := e.shared.prefix; prefix == 0 || !bytes.HasPrefix(own, base[:prefix]) {
		e.shared.prefix = commonRecords(base, own)
	}
	prefix := e.shared.prefix
	if prefix < minShared || prefix < len(own)/2 {
		e.shared = shared{begin: begin, end: e.used}
		return
	}
	binary.NativeEndian.PutUint32(own, valueShared)
	binary.NativeEndian.PutUint32(own[4:], 8)
	binary.NativeEndian.PutUint32(own[8:], uint32(e.shared.begin))
	binary.NativeEndian.PutUint32(own[12:], uint32(prefix))
	e.used = begin + sharedMarker + copy(own[sharedMarker:], own[prefix:])
}

// commonRecords returns how many bytes of whole attribute records a and b begin with alike.
func commonRecords(a, b []byte) int {
	common := 0
	for {
		rest := a[common:]
		if len(rest) < attributeHeader {
			return common
		}
		size := attributeHeader + int(binary.NativeEndian.Uint32(rest)>>8) + int(binary.NativeEndian.Uint32(rest[4:]))
		if size > len(rest) || !bytes.HasPrefix(b[common:], rest[:size]) {
			return common
		}
		common += size
	}
}
