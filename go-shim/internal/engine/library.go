// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

/*
#cgo CFLAGS: -I${SRCDIR}/../../../rust/ffi/include
#cgo linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libtokenledger.a -lm -ldl -lpthread
#cgo linux,arm64 LDFLAGS: ${SRCDIR}/lib/linux_arm64/libtokenledger.a -lm -ldl -lpthread
#cgo noescape tl_engine_consume
#cgo nocallback tl_engine_consume
#cgo noescape tl_engine_settle
#cgo nocallback tl_engine_settle
#cgo noescape tl_engine_removes_attribute
#cgo nocallback tl_engine_removes_attribute
#include "tokenledger.h"
// Made by `make lib` together with the archive. If this file is missing, run `make lib` first.
#include "library_digest.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// checkLibrary refuses an archive that this package was not built for: Go's build cache does not
// notice a changed archive, so a stale one could be linked without a word.
func checkLibrary() error {
	if linked := C.GoString(C.tl_content_digest()); linked != C.TL_EXPECTED_DIGEST {
		return fmt.Errorf("the linked Tokenledger library (%s) is not the one this package was built for (%s): "+
			"run `make lib` and build again", linked, C.TL_EXPECTED_DIGEST)
	}
	var compiled C.tl_abi_sizes_t
	C.tl_abi_sizes(&compiled)
	expected := C.tl_abi_sizes_t{
		layout_version:  C.TL_LAYOUT_VERSION,
		batch_header:    C.sizeof_tl_batch_header,
		resource_record: C.sizeof_tl_resource_record,
		scope_record:    C.sizeof_tl_scope_record,
		metric_record:   C.sizeof_tl_metric_record,
		point_record:    C.sizeof_tl_point_record,
		verdict:         C.sizeof_tl_verdict,
		added_point:     C.sizeof_tl_added_point,
		attribute_edit:  C.sizeof_tl_attribute_edit,
		batch_view:      C.sizeof_tl_batch_view,
		stats:           C.sizeof_tl_stats,
		opening:         C.sizeof_tl_opening,
		error:           C.sizeof_tl_error,
		price_request:   C.sizeof_tl_price_request,
		price_answer:    C.sizeof_tl_price_answer,
	}
	if compiled != expected {
		return fmt.Errorf("the Tokenledger library and its header differ in layout (%+v, %+v): run `make lib` and build again",
			compiled, expected)
	}
	return nil
}

// failure turns a status that is not OK into an error; reported says what the library wrote.
func failure(status C.tl_status, reported *C.tl_error) error {
	message := C.GoStringN((*C.char)(unsafe.Pointer(&reported.message[0])), C.int(reported.length))
	switch status {
	case C.TL_STATUS_POISONED:
		return fmt.Errorf("%w: %s", ErrPoisoned, message)
	case C.TL_STATUS_STORAGE:
		return &StorageError{TroubleOther, message}
	case C.TL_STATUS_STORAGE_FULL:
		return &StorageError{TroubleFull, message}
	case C.TL_STATUS_STORAGE_BUSY:
		return &StorageError{TroubleBusy, message}
	case C.TL_STATUS_STORAGE_NEWER:
		return &StorageError{TroubleNewer, message}
	case C.TL_STATUS_STORAGE_READ_ONLY:
		return &StorageError{TroubleReadOnly, message}
	}
	return fmt.Errorf("tokenledger engine (status %d): %s", int(status), message)
}
