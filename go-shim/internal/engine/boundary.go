// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

// What the library answers, under names that tests can use as well: test files cannot name C types.
type (
	verdict       = C.tl_verdict
	addedPoint    = C.tl_added_point
	attributeEdit = C.tl_attribute_edit
	uint32C       = C.uint32_t
)

// What becomes of a point.
const (
	actionDrop          = C.TL_ACTION_DROP
	actionWrite         = C.TL_ACTION_WRITE
	actionWriteZero     = C.TL_ACTION_WRITE_ZERO
	actionWriteOverflow = C.TL_ACTION_WRITE_OVERFLOW
	actionKeep          = C.TL_ACTION_KEEP
)
