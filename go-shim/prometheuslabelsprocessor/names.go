// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/collector/featuregate"
)

// Values of `translation_strategy`, as the exporter knows them (its config.go).
const (
	underscoreEscapingWithSuffixes    = "UnderscoreEscapingWithSuffixes"
	underscoreEscapingWithoutSuffixes = "UnderscoreEscapingWithoutSuffixes"
	noUTF8EscapingWithSuffixes        = "NoUTF8EscapingWithSuffixes"
	noTranslation                     = "NoTranslation"
)

// permissiveSanitization is the feature gate that decides whether the exporter keeps runs of underscores in names. It is
// looked up by its name, so that a collector without contrib's translator needs none.
const permissiveSanitization = "pkg.translator.prometheus.PermissiveLabelSanitization"

// reservedPrefix begins names that client_golang refuses in labels.
const reservedPrefix = "__"

// namer makes label names as the exporter does.
type namer struct {
	labels otlptranslator.LabelNamer
}

// newNamer returns the namer of an exporter with that `translation_strategy`, or an error if it knows no such strategy.
func newNamer(strategy string) (*namer, error) {
	utf8Allowed := false
	switch strategy {
	case "", underscoreEscapingWithSuffixes, underscoreEscapingWithoutSuffixes:
	case noUTF8EscapingWithSuffixes, noTranslation:
		utf8Allowed = true
	default:
		return nil, fmt.Errorf("translation_strategy is %q, which the exporter does not know: use its own, %s, %s, %s or %s, or leave it out", strategy,
			underscoreEscapingWithSuffixes, underscoreEscapingWithoutSuffixes, noUTF8EscapingWithSuffixes, noTranslation)
	}
	return &namer{labels: otlptranslator.LabelNamer{
		UTF8Allowed:                 utf8Allowed,
		PreserveMultipleUnderscores: !gateIsOn(permissiveSanitization),
	}}, nil
}

// label returns the name of the label that the exporter makes of an attribute, and whether such a label can be. If not,
// the exporter loses every series with that attribute.
func (n *namer) label(key string) (string, bool) {
	name, err := n.labels.Build(key)
	return name, err == nil && !strings.HasPrefix(name, reservedPrefix) && utf8.ValidString(name)
}

// constLabel returns the label that an entry of `const_labels` becomes on a point.
func (n *namer) constLabel(name, value string) (string, error) {
	label, possible := n.label(name)
	if !possible {
		return "", fmt.Errorf("const_labels has %q, which no label can be named: use letters, digits and underscores, with at most one underscore at the beginning", name)
	}
	if !utf8.ValidString(value) {
		return "", fmt.Errorf("const_labels has the value %q for %q: write it in UTF-8", value, name)
	}
	return label, nil
}

// ConstLabelMoves reports whether an entry of the exporter's `const_labels` can be moved to this processor's without a
// trace on the page. The exporter writes these names as they are and escapes only names of attributes: of
// `deployment.environment` a Prometheus that takes such names would see another one after the move.
func ConstLabelMoves(name, value, translationStrategy string) bool {
	namer, err := newNamer(translationStrategy)
	if err != nil {
		return false
	}
	label, err := namer.constLabel(name, value)
	return err == nil && label == name
}

// gateIsOn reports whether a feature gate is known and on.
func gateIsOn(id string) bool {
	on := false
	featuregate.GlobalRegistry().VisitAll(func(gate *featuregate.Gate) {
		if gate.ID() == id {
			on = gate.IsEnabled()
		}
	})
	return on
}
