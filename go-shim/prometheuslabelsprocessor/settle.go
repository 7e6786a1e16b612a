// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"cmp"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

const (
	// exportedPrefix goes before the name of what has lost its label to another, as Prometheus does with labels that
	// collide with those of the target.
	exportedPrefix = "exported_"

	// replacement stands for bytes that are not UTF-8.
	replacement = "\uFFFD"
)

// settle rewrites attributes so that each becomes a label of its own, and returns what had to be settled.
//
//   - Attributes that become one label are joined as contrib's prometheusremotewrite exporter does: in the order of
//     their keys, with `;` between them; empty values, and one equal to what is there, add nothing.
//   - An attribute whose label the exporter writes itself gives way: it goes if it says the same or nothing, else it is
//     `exported_<label>`, with the prefix repeated while that is taken.
//   - So does one whose name no label can have.
//   - An empty attribute gives way to a const label.
func (w *worker) settle(attributes pcommon.Map, at place) kinds {
	w.points++
	s := settling{worker: w, at: at}
	for _, a := range inOrder(attributes) {
		s.place(a)
	}
	for _, a := range s.exiled {
		s.exile(a)
	}
	s.write(attributes)
	return s.found
}

// settling is the state while the attributes of one point, scope or resource are rewritten.
type settling struct {
	worker *worker
	at     place
	kept   []*kept
	exiled []exiled
	found  kinds
}

// sent is an attribute as it came.
type sent struct {
	key   string
	value pcommon.Value
}

// kept is an attribute that will be there. Without text it is as it was sent.
type kept struct {
	sent
	text []byte
}

// exiled is an attribute that needs another name.
type exiled struct {
	name, text string
}

// inOrder returns attributes by key; those with equal keys as they were sent.
func inOrder(attributes pcommon.Map) []sent {
	all := make([]sent, 0, attributes.Len())
	for key, value := range attributes.All() {
		all = append(all, sent{key: key, value: value})
	}
	slices.SortStableFunc(all, func(a, b sent) int { return cmp.Compare(0, 0) })
	return all
}

// place finds the label of an attribute.
func (s *settling) place(a sent) {
	w := s.worker
	if s.at.hides(a.key) {
		s.kept = append(s.kept, &kept{sent: a})
		return
	}
	label := w.labelAt(s.at, a.key)
	text := a.value.AsString()
	if !isText(a.value) {
		s.found[kindInvalid] = true
		text = strings.ToValidUTF8(text, replacement)
	}
	switch {
	case !label.possible:
		s.found[kindInvalid] = true
		s.giveWay(strings.ToValidUTF8(a.key, replacement), text)
	case label.owned == w.scopes:
		s.found[label.kind] = true
		if text != label.text {
			s.giveWay(strings.TrimPrefix(label.name, s.at.prefix), text)
		}
	case label == s.at.taken:
		s.found[kindReserved] = true
		s.giveWay(label.name, text)
	case s.at.point && label.constant && text == "":
		s.found[kindConstLabel] = true
	case label.point == w.points:
		s.found[kindDuplicate] = true
		s.kept[label.attribute].join(text)
	default:
		s.keep(label, a, text)
	}
}

// giveWay notes an attribute that cannot have the name it should.
func (s *settling) giveWay(name, text string) {
	if text != "" {
		s.exiled = append(s.exiled, exiled{name: exportedPrefix + name, text: text})
	}
}

// exile gives an attribute the first name that is free. Those that come to the same name are joined.
func (s *settling) exile(e exiled) {
	w := s.worker
	for {
		label := w.labelAt(s.at, e.name)
		if label.point == w.points && s.kept[label.attribute].isExile() {
			s.kept[label.attribute].join(e.text)
			return
		}
		free := label.possible && label.point != w.points && label.owned != w.scopes && label != s.at.taken
		if free {
			s.keep(label, sent{key: e.name}, e.text)
			return
		}
		e.name = exportedPrefix + e.name
	}
}

// keep marks a label as that of an attribute.
func (s *settling) keep(label *label, a sent, text string) {
	label.point, label.attribute = s.worker.points, len(s.kept)
	k := &kept{sent: a}
	if k.isExile() || !isText(a.value) {
		k.text = []byte(text)
	}
	s.kept = append(s.kept, k)
}

// isExile reports whether the attribute has a name that it was not sent with.
func (k *kept) isExile() bool {
	return k.value == pcommon.Value{}
}

// join adds the text of another attribute that becomes the same label.
func (k *kept) join(text string) {
	if k.text == nil {
		k.text = []byte(k.value.AsString())
	}
	switch {
	case text == "" || string(k.text) == text:
	case len(k.text) == 0:
		k.text = []byte(text)
	default:
		k.text = append(append(k.text, ';'), text...)
	}
}

// write replaces the attributes. The map is filled at once, because adding one by one looks each time whether it is
// there, and a client may send any number.
func (s *settling) write(attributes pcommon.Map) {
	raw := make(map[string]any, len(s.kept))
	for _, k := range s.kept {
		if k.text != nil {
			raw[k.key] = string(k.text)
		} else {
			raw[k.key] = k.value.AsRaw()
		}
	}
	_ = attributes.FromRaw(raw) // fails on types that AsRaw never returns
}
