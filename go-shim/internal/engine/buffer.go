// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import "unsafe"

// buffer is the memory of the flat buffer, kept between batches.
type buffer struct {
	// bytes is as long as its capacity; used tells how much of it is written. It begins at a multiple
	// of 8 bytes, as records need it: see grow.
	bytes []byte
	used  int
}

// reserve makes room for size bytes and returns where they begin.
func (b *buffer) reserve(size int) int {
	begin := b.used
	b.used += size
	if b.used > len(b.bytes) {
		b.grow()
	}
	return begin
}

// words makes room for that many words, at least one, and returns them. Only valid until more is reserved.
func (b *buffer) words(count int) []uint64 {
	return unsafe.Slice((*uint64)(b.at(b.reserve(8*count))), count)
}

// text writes a text.
func (b *buffer) text(text string) {
	place := b.reserve(len(text))
	copy(b.bytes[place:], text)
}

// align moves to the next multiple of 8 and clears what it passes over.
func (b *buffer) align() {
	if rest := b.used % C.TL_ALIGNMENT; rest != 0 {
		begin := b.reserve(C.TL_ALIGNMENT - rest)
		clear(b.bytes[begin:b.used])
	}
}

// at is the address of a place that was reserved. Only valid until more is reserved.
func (b *buffer) at(place int) unsafe.Pointer {
	return unsafe.Pointer(&b.bytes[place])
}

// grow doubles the memory. It is made of words, so it is aligned for records.
func (b *buffer) grow() {
	words := make([]uint64, max(b.used, 2*len(b.bytes), 4096)/8+1)
	grown := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
	copy(grown, b.bytes)
	b.bytes = grown
}
