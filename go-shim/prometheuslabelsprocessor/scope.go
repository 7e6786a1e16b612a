// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// scopePrefix begins the labels that the exporter makes of a scope.
const scopePrefix = "otel_scope_"

// settleScope notes which labels the exporter writes itself on all points of a scope, and settles those among them that
// come of the scope's attributes.
func (w *worker) settleScope(scope pmetric.ScopeMetrics) {
	w.scopes++
	if w.job.written {
		w.own(jobLabel, w.job.text, kindJob)
	}
	if w.instance.written {
		w.own(instanceLabel, w.instance.text, kindInstance)
	}
	if w.cfg.WithoutScopeInfo {
		return
	}
	is := scope.Scope()
	w.ownText(is.Name(), is.SetName, scopePrefix+"name")
	w.ownText(is.Version(), is.SetVersion, scopePrefix+"version")
	w.ownText(scope.SchemaUrl(), scope.SetSchemaUrl, scopePrefix+"schema_url")
	at := place{prefix: scopePrefix}
	if w.collides(is.Attributes(), at) {
		found := w.settle(is.Attributes(), at)
		for kind, is := range found {
			w.above[kind] = w.above[kind] || is
		}
	}
	for key, value := range is.Attributes().All() {
		if !at.hides(key) {
			w.own(scopePrefix+key, value.AsString(), kindScope)
		}
	}
}

// own notes that the exporter writes a label itself.
func (w *worker) own(key, text string, kind kind) {
	label := w.labels.of(key)
	label.owned, label.text, label.kind = w.scopes, text, kind
}

// ownText does so with a text of the scope; one that no label can have is replaced.
func (w *worker) ownText(text string, set func(string), label string) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, replacement)
		set(text)
		w.above[kindInvalid] = true
	}
	w.own(label, text, kindScope)
}
