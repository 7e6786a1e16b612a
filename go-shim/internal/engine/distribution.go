// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// A histogram crosses into the library, and back, as a run of 64-bit words. The library's module
// `distribution` has the same layout; doubles are their bits.
//
//	both kinds   flags | count | sum | min | max      0 where the flags say that there is none
//	explicit     lengths: bounds, and bucket counts << 32
//	             then the bounds, then the bucket counts
//	exponential  scale | zero count | zero threshold
//	             positive buckets: offset, and their number << 32 | negative buckets, alike
//	             then the positive counts, then the negative ones
const (
	wordFlags = iota
	wordCount
	wordSum
	wordMin
	wordMax
	wordsCommon
)

// Words of an explicit histogram, from where the common ones end.
const (
	wordLengths = wordsCommon + iota
	wordsExplicit
)

// Words of an exponential histogram, from where the common ones end.
const (
	wordScale = wordsCommon + iota
	wordZeroCount
	wordZeroThreshold
	wordPositive
	wordNegative
	wordsExponential
)

// Flags: the lowest byte is the kind, the bits above say what is there.
const (
	flagExplicit    = 1
	flagExponential = 2
	flagHasSum      = 1 << 8
	flagHasMin      = 1 << 9
	flagHasMax      = 1 << 10
)

// joined puts two 32-bit halves into one word; low is taken modulo 2^32, so a negative offset fits.
func joined(low int64, high int) uint64 {
	return uint64(uint32(low)) | uint64(high)<<32
}

// lowHalf and highHalf take a word apart again.
func lowHalf(word uint64) uint32 { return uint32(word) }

func highHalf(word uint64) int { return int(word >> 32) }
