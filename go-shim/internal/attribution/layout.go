// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"maps"
	"math"
	"slices"
)

// slots number the attributes that may be added. A number stays with its name for as long as former files are
// remembered.
type slots struct{ names []string }

// maxSlots bounds them: a file that is rewritten with ever new attributes makes the former ones forgotten.
const maxSlots = 255

func (s *slots) of(name string) int {
	if at := slices.Index(s.names, name); at >= 0 {
		return at
	}
	s.names = append(s.names, name)
	return len(s.names) - 1
}

// noRank is worse than every spelling.
const noRank = math.MaxUint16

// role is what an attribute's name is looked at for.
type role struct {
	name      string
	key       int        // its place among the spellings of the key, -1 if it is none
	slot      int        // of the attribute itself if it may be added, else -1
	spellings []spelling // what it stands for
}

// spelling says that an attribute stands for another one.
type spelling struct {
	slot int
	rank uint16 // lower is asked first; 0 is the attribute's own name
}

// layout says what to look for in attributes. It never changes.
type layout struct {
	names  []string // by slot
	agent  int      // slot of the agent, -1 if it is not wanted
	copied []bool   // by slot: what is found under spellings, or on the resource, is copied
	// By length of the name: most names of a point are told apart from ours by their length alone.
	roles [][]role
}

// newLayout makes a layout. columns are the attributes of the present file.
func newLayout(settings *Settings, slots *slots, columns []string) *layout {
	l := &layout{agent: -1}
	targets := slices.Sorted(maps.Keys(settings.Aliases))
	for _, name := range slices.Concat(targets, columns) {
		slots.of(name)
	}
	if settings.Agent {
		l.agent = slots.of(agentAttribute)
	}
	l.names = slices.Clone(slots.names)
	l.copied = make([]bool, len(l.names))
	for place, name := range keySpellings(settings.Key) {
		l.role(name).key = place
	}
	for slot, name := range l.names {
		l.copied[slot] = slices.Contains(targets, name) || slices.Contains(columns, name)
		own := l.role(name)
		own.slot = slot
		own.spellings = append(own.spellings, spelling{slot, 0})
		for i, alias := range settings.Aliases[name] {
			if alias != name {
				other := l.role(alias)
				other.spellings = append(other.spellings, spelling{slot, uint16(i + 1)})
			}
		}
	}
	return l
}

// role returns the role of a name, a new one if it has none; for newLayout.
func (l *layout) role(name string) *role {
	for len(l.roles) <= len(name) {
		l.roles = append(l.roles, nil)
	}
	same := l.roles[len(name)]
	for i := range same {
		if same[i].name == name {
			return &same[i]
		}
	}
	l.roles[len(name)] = append(same, role{name: name, key: -1, slot: -1})
	return &l.roles[len(name)][len(same)]
}

// find returns the role of a name, nil if it has none.
func (l *layout) find(name string) *role {
	if len(name) >= len(l.roles) {
		return nil
	}
	same := l.roles[len(name)]
	for i := range same {
		if same[i].name == name {
			return &same[i]
		}
	}
	return nil
}
