// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// otherValue is what a value becomes that has no room among the values of its attribute (rule T2).
const otherValue = "other"

// isEdited tells whether a verdict changes attributes of a point that goes on. A trimmed request loses most of its
// points, because one of them carries the total of all: what is dropped is not worth the work. (A zero that stands
// beside a dropped point has the attribute of an overflow stream, and not the point's.)
func isEdited(answer *verdict) bool {
	if answer.action == actionDrop || answer.action == actionWriteOverflow {
		return false
	}
	return answer.remove|answer.replace != 0 || answer.has_edits != 0
}

// editPoint changes the attributes of the point of that number (T1, T2).
func (a *answers) editPoint(point int, attributes pcommon.Map, answer *verdict) {
	var edits []attributeEdit
	if answer.has_edits != 0 {
		edits = takeEdits(&a.edits, C.uint32_t(point))
	}
	editAttributes(attributes, uint32(answer.remove), uint32(answer.replace), edits)
}

// takeResourceEdits hands out the changes of the next resource.
func (a *answers) takeResourceEdits() []attributeEdit {
	a.resources++
	return takeEdits(&a.resourceEdits, a.resources-1)
}

// takeEdits cuts the edits of an owner off a sorted list, and those of earlier owners with them.
func takeEdits(all *[]attributeEdit, owner C.uint32_t) []attributeEdit {
	begin := 0
	for begin < len(*all) && (*all)[begin].owner < owner {
		begin++
	}
	end := begin
	for end < len(*all) && (*all)[end].owner == owner {
		end++
	}
	mine := (*all)[begin:end]
	*all = (*all)[end:]
	return mine
}

// editAttributes removes and replaces values by the number of their attribute: by the bits of remove and
// replace, which reach the first 32, and by edits, sorted by attribute, anywhere.
func editAttributes(attributes pcommon.Map, remove, replace uint32, edits []attributeEdit) {
	number := C.uint32_t(0)
	attributes.RemoveIf(func(_ string, value pcommon.Value) bool {
		// Shifted beyond their width the masks are 0.
		removed, replaced := remove>>number&1 != 0, replace>>number&1 != 0
		if len(edits) > 0 && edits[0].attribute == number {
			removed, replaced = edits[0].replace == 0, edits[0].replace != 0
			edits = edits[1:]
		}
		number++
		if replaced {
			value.SetStr(otherValue)
		}
		return removed
	})
}

// editExemplars takes from exemplars the attributes that rules remove from the points of a metric (D10).
func (a *answers) editExemplars(metric string, exemplars pmetric.ExemplarSlice) {
	for i := range exemplars.Len() {
		exemplars.At(i).FilteredAttributes().RemoveIf(func(key string, _ pcommon.Value) bool {
			return a.exemplars.removesAttribute(metric, key)
		})
	}
}

// removesAttribute tells whether some rule removes an attribute from the points of a metric. Asked only
// while the handle is in use.
func (e *Engine) removesAttribute(metric, key string) bool {
	return bool(C.tl_engine_removes_attribute(e.handle,
		(*C.uint8_t)(unsafe.StringData(metric)), C.size_t(len(metric)),
		(*C.uint8_t)(unsafe.StringData(key)), C.size_t(len(key))))
}
