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
	byKey  map[string]*label
	byName map[string]*label
	bytes  int
}

func newLabels(namer *namer) *labels {
	return &labels{namer: namer, byKey: map[string]*label{}, byName: map[string]*label{}}
}

// of returns the label that an attribute becomes. A label that cannot be stands for all attributes that get its name.
func (l *labels) of(key string) *label {
	if known, ok := l.byKey[key]; ok {
		return known
	}
	name, possible := l.namer.label(key)
	known, ok := l.byName[name]
	if !ok {
		name = strings.Clone(name)
		known = &label{name: name, possible: possible}
		l.byName[name] = known
		l.bytes += len(name)
	}
	l.byKey[strings.Clone(key)] = known // a copy, so that it holds nothing of the request
	l.bytes += len(key)
	return known
}

// full reports whether more names are remembered than shall be.
func (l *labels) full() bool {
	return len(l.byKey) > maxRememberedNames || l.bytes > maxRememberedBytes
}
