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

	// maxRenamed is how many attributes get another name one by one. Each time the map looks whether the name is there,
	// so for more of them, which no real client has, it is made anew.
	maxRenamed = 32

	// maxScratch is the number of attributes for which memory is kept between points.
	maxScratch = 256
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
	s := &w.settling
	s.begin(w, at)
	s.sort(attributes)
	for _, a := range s.sent {
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
	sent   []sent // by key
	kept   []kept
	exiled []exiled
	stays  []bool // by the place in which attributes were sent
	found  kinds
}

// sent is an attribute as it came.
type sent struct {
	key    string
	value  pcommon.Value
	number int // its place
}

// kept is an attribute that will be there. Without text it is as it was sent.
type kept struct {
	sent
	text    []byte
	renamed bool // it was sent under another name
}

// exiled is an attribute that needs another name.
type exiled struct {
	name, text string
}

// begin forgets the last ones.
func (s *settling) begin(w *worker, at place) {
	if cap(s.sent) > maxScratch {
		*s = settling{}
	}
	clear(s.sent)
	clear(s.kept)
	clear(s.exiled)
	*s = settling{worker: w, at: at, sent: s.sent[:0], kept: s.kept[:0], exiled: s.exiled[:0], stays: s.stays[:0]}
}

// sort takes attributes by key; those with equal keys as they were sent.
func (s *settling) sort(attributes pcommon.Map) {
	for key, value := range attributes.All() {
		s.sent = append(s.sent, sent{key: key, value: value, number: len(s.sent)})
		s.stays = append(s.stays, false)
	}
	slices.SortFunc(s.sent, func(a, b sent) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.number, b.number)) })
}

// place finds the label of an attribute.
func (s *settling) place(a sent) {
	w := s.worker
	if s.at.hides(a.key) {
		s.kept = append(s.kept, kept{sent: a})
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
	case isText(a.value):
		s.keep(label, kept{sent: a})
	default:
		s.keep(label, kept{sent: a, text: []byte(text)})
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
		if label.point == w.points && s.kept[label.attribute].renamed {
			s.kept[label.attribute].join(e.text)
			return
		}
		if label.possible && label.point != w.points && label.owned != w.scopes && label != s.at.taken {
			s.keep(label, kept{sent: sent{key: e.name}, text: []byte(e.text), renamed: true})
			return
		}
		e.name = exportedPrefix + e.name
	}
}

// keep marks a label as that of an attribute.
func (s *settling) keep(label *label, k kept) {
	label.point, label.attribute = s.worker.points, len(s.kept)
	s.kept = append(s.kept, k)
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

// write changes the attributes.
func (s *settling) write(attributes pcommon.Map) {
	renamed := 0
	for i := range s.kept {
		k := &s.kept[i]
		if k.renamed {
			renamed++
			continue
		}
		s.stays[k.number] = true
		if k.text != nil {
			k.value.SetStr(string(k.text))
		}
	}
	if renamed > maxRenamed {
		s.rewrite(attributes)
		return
	}
	number := -1
	attributes.RemoveIf(func(string, pcommon.Value) bool {
		number++
		return !s.stays[number]
	})
	for i := range s.kept {
		if k := &s.kept[i]; k.renamed {
			attributes.PutStr(k.key, string(k.text))
		}
	}
}

// rewrite makes the map anew, which takes each attribute once.
func (s *settling) rewrite(attributes pcommon.Map) {
	raw := make(map[string]any, len(s.kept))
	for i := range s.kept {
		if k := &s.kept[i]; k.renamed {
			raw[k.key] = string(k.text)
		} else {
			raw[k.key] = k.value.AsRaw()
		}
	}
	_ = attributes.FromRaw(raw) // fails on types that AsRaw never returns
}
