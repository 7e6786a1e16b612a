// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// scalar is a value that can be copied to another attribute.
type scalar struct {
	kind   pcommon.ValueType
	text   string
	number uint64 // integer, bits of a double, or 0 and 1
}

func textOf(text string) scalar { return scalar{kind: pcommon.ValueTypeStr, text: text} }

// scalarOf reads a value; false if it is empty or no single value.
func scalarOf(value pcommon.Value) (scalar, bool) {
	s := scalar{kind: value.Type()}
	switch s.kind {
	case pcommon.ValueTypeStr:
		s.text = value.Str()
		return s, s.text != ""
	case pcommon.ValueTypeInt:
		s.number = uint64(value.Int())
	case pcommon.ValueTypeDouble:
		s.number = math.Float64bits(value.Double())
	case pcommon.ValueTypeBool:
		if value.Bool() {
			s.number = 1
		}
	default:
		return s, false
	}
	return s, true
}

// put sets an attribute to the value, with its type.
func (s *scalar) put(attributes pcommon.Map, name string) {
	switch s.kind {
	case pcommon.ValueTypeInt:
		attributes.PutInt(name, int64(s.number))
	case pcommon.ValueTypeDouble:
		attributes.PutDouble(name, math.Float64frombits(s.number))
	case pcommon.ValueTypeBool:
		attributes.PutBool(name, s.number == 1)
	default:
		attributes.PutStr(name, s.text)
	}
}

// found is the best that was seen for one slot.
type found struct {
	own   bool // the attribute itself is there, and not empty
	rank  uint16
	value scalar
}

// sight is what was seen in the attributes of a resource, or of a point, record or span.
type sight struct {
	key     string // empty: absent
	keyRank int
	slots   []found
}

// look reads attributes once. Empty values are absent.
func (s *sight) look(l *layout, attributes pcommon.Map) {
	s.key, s.keyRank = "", math.MaxInt
	if cap(s.slots) < len(l.names) {
		s.slots = make([]found, len(l.names))
	}
	s.slots = s.slots[:len(l.names)]
	for i := range s.slots {
		s.slots[i].own, s.slots[i].rank = false, noRank
	}
	for name, value := range attributes.All() {
		if role := l.find(name); role != nil {
			s.take(role, value)
		}
	}
}

// take notes one attribute that has a role.
func (s *sight) take(role *role, value pcommon.Value) {
	read, ok := scalarOf(value)
	if !ok {
		return
	}
	if role.key >= 0 && role.key < s.keyRank {
		s.key, s.keyRank = keyText(value), role.key
	}
	if role.slot >= 0 {
		s.slots[role.slot].own = true
	}
	for _, spelling := range role.spellings {
		if slot := &s.slots[spelling.slot]; spelling.rank < slot.rank {
			slot.rank, slot.value = spelling.rank, read
		}
	}
}

// keyText is a key as files write it; identifiers may be numbers.
func keyText(value pcommon.Value) string {
	if value.Type() == pcommon.ValueTypeStr {
		return value.Str()
	}
	return value.AsString()
}
