// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import "strings"

// Bounds of what is remembered of names between requests. A client with few names, as all real ones are, costs a look
// into a map per attribute; one that makes up names costs their escaping.
const (
	maxRememberedNames = 4096
	maxRememberedBytes = 1 << 20
)

// label is one label of the page. All attributes that become it share it, so that marks on it show collisions without
// comparing names with each other.
type label struct {
	name     string
	possible bool // otherwise the exporter loses the series

	constant bool // the processor has a const label of that name

	// Marks are numbers that count up; an old number is no mark.
	point uint64 // the last point that had this label
	owned uint64 // the last scope at which the exporter wrote this label itself, with the text and kind below
	text  string
	kind  kind

	attribute int // while a point is settled: the place of what becomes this label
}

// labels knows what names become.
type labels struct {
	namer  *namer
	byKey  map[string]known
	byName map[string]*label
	bytes  int

	// row has the attributes of the last points, by their place. Clients write the same ones in the same order, so the
	// map is mostly not asked.
	row []known
}

// known is the name of an attribute, and the label that it becomes.
type known struct {
	key   string
	label *label
}

// maxRow is how many places of a row are remembered.
const maxRow = 64

func newLabels(namer *namer) *labels {
	return &labels{namer: namer, byKey: map[string]known{}, byName: map[string]*label{}, row: make([]known, 0, maxRow)}
}

// at returns the label that the attribute in a place of a point becomes.
func (l *labels) at(place int, key string) *label {
	if place < len(l.row) && l.row[place].key == key {
		return l.row[place].label
	}
	label := l.of(key)
	switch {
	case place < len(l.row):
		l.row[place] = l.byKey[key]
	case place == len(l.row) && place < maxRow:
		l.row = append(l.row, l.byKey[key])
	}
	return label
}

// of returns the label that an attribute becomes. A label that cannot be stands for all attributes that get its name.
func (l *labels) of(key string) *label {
	if known, ok := l.byKey[key]; ok {
		return known.label
	}
	name, possible := l.namer.label(key)
	found, ok := l.byName[name]
	if !ok {
		name = strings.Clone(name)
		found = &label{name: name, possible: possible}
		l.byName[name] = found
		l.bytes += len(name)
	}
	key = strings.Clone(key) // a copy, so that nothing of the request is held
	l.byKey[key] = known{key: key, label: found}
	l.bytes += len(key)
	return found
}

// full reports whether more names are remembered than shall be.
func (l *labels) full() bool {
	return len(l.byKey) > maxRememberedNames || l.bytes > maxRememberedBytes
}
