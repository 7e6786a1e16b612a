// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// place says where attributes stand and so which labels they become.
type place struct {
	prefix string // before the name of each
	point  bool   // on a point, where const labels are put
	taken  *label // what the exporter adds to such points for buckets or quantiles; nil: nothing
}

// hides reports whether the exporter leaves an attribute out, whatever its value: of a scope, those that are named like
// its own properties (isReservedScopeAttribute in its collector.go).
func (p place) hides(key string) bool {
	if p.prefix != scopePrefix {
		return false
	}
	return key == "name" || key == "version" || key == "schema_url"
}

// settlePoint gives a point all its labels. Where nothing collides it only adds.
func (w *worker) settlePoint(attributes pcommon.Map, taken *label) {
	found := w.above
	for _, name := range w.hidden {
		removeAll(attributes, name)
	}
	w.promote(attributes)
	at := place{point: true, taken: taken}
	if w.collides(attributes, at) {
		for kind, is := range w.settle(attributes, at) {
			found[kind] = found[kind] || is
		}
	}
	if w.putConstants(attributes, at) {
		found[kindConstLabel] = true
	}
	for kind, is := range found {
		if is {
			w.settled[kind]++
		}
	}
}

// promote copies the resource's attributes, over those of the point that have the same key, as contrib's
// pkg/resourcetotelemetry does.
func (w *worker) promote(attributes pcommon.Map) {
	if !w.cfg.ResourceAttributes || w.promoted.Len() == 0 {
		return
	}
	attributes.EnsureCapacity(attributes.Len() + w.promoted.Len() + len(w.constants))
	for key, value := range w.promoted.All() {
		value.CopyTo(attributes.PutEmpty(key))
	}
}

// collides reports whether the exporter would lose a series with these attributes. Otherwise their labels bear the
// number of the point.
func (w *worker) collides(attributes pcommon.Map, at place) bool {
	w.points++
	number := 0
	for key, value := range attributes.All() {
		if at.hides(key) {
			continue
		}
		label := w.labelNumber(number, at, key)
		number++
		if !label.possible || label.point == w.points || label.owned == w.scopes || label == at.taken || !isText(value) {
			return true
		}
		if at.point && label.constant && isEmpty(value) {
			return true
		}
		label.point = w.points
	}
	return false
}

// unfit reports whether attributes cannot all be labels because of a name or a value.
func (w *worker) unfit(attributes pcommon.Map) bool {
	for key, value := range attributes.All() {
		if !w.labels.of(key).possible || !isText(value) {
			return true
		}
	}
	return false
}

// putConstants adds the const labels for which the point has no label, and reports whether there are others. collides
// or settle must have marked the labels of the point.
func (w *worker) putConstants(attributes pcommon.Map, at place) bool {
	others := false
	for i, constant := range w.constants {
		label := constant.label
		if label.point == w.points || label.owned == w.scopes || label == at.taken {
			others = true
			continue
		}
		attributes.EnsureCapacity(attributes.Len() + len(w.constants) - i)
		attributes.PutStr(constant.key, constant.value)
	}
	return others
}

// labelNumber is labelAt where attributes are gone through in order.
func (w *worker) labelNumber(number int, at place, key string) *label {
	if at.point {
		return w.labels.at(number, key)
	}
	return w.labelAt(at, key)
}

// labelAt returns the label that an attribute becomes.
func (w *worker) labelAt(at place, key string) *label {
	if at.prefix == "" {
		return w.labels.of(key)
	}
	return w.labels.of(at.prefix + key)
}

// isText reports whether a value can be a label's: client_golang refuses what is not UTF-8. All but strings is made into
// UTF-8 by the exporter.
func isText(value pcommon.Value) bool {
	return value.Type() != pcommon.ValueTypeStr || utf8.ValidString(value.Str())
}

// isEmpty reports whether the exporter writes nothing for a value.
func isEmpty(value pcommon.Value) bool {
	switch value.Type() {
	case pcommon.ValueTypeStr:
		return value.Str() == ""
	case pcommon.ValueTypeBytes:
		return value.Bytes().Len() == 0
	case pcommon.ValueTypeEmpty:
		return true
	default:
		return false
	}
}
