// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"regexp"
	"slices"

	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// warnOfEmptyVariables names the settings that a variable made empty. What a component says of an endpoint or a password
// that is missing does not tell that a variable was meant to give it.
func warnOfEmptyVariables(document *document, _ environment, report *report) {
	empty := func(value any) bool {
		expanded, ok := value.(xconfmap.ExpandedValue)
		return ok && expanded.Value == nil && expanded.Original == ""
	}
	for _, section := range append(slices.Clone(sections), "service") {
		for _, path := range placesBelow(document.raw(section), []string{section}, empty) {
			report.warn(ruleEmptyVariable, path,
				"a variable made this empty: set the variable, or give it a default (${env:NAME:-value})")
		}
	}
}

// oldVariable is a variable as collectors before v0.107 took it.
var oldVariable = regexp.MustCompile(`\$[A-Z_][A-Z0-9_]+`)

// warnOfOldVariables finds `$NAME`, which is text since v0.107. The text itself is not repeated: it may be a password that
// happens to look like that. Processors are left out: `$` is part of their expressions.
func warnOfOldVariables(document *document, _ environment, report *report) {
	old := func(value any) bool {
		text, ok := value.(string)
		return ok && oldVariable.MatchString(text)
	}
	for _, section := range []string{"receivers", "exporters", "extensions"} {
		for _, id := range document.components(section) {
			if kind, _ := splitID(id); section == "receivers" && kind == "prometheus" {
				continue // whose relabelling has expressions as well
			}
			for _, path := range placesBelow(document.raw(section, id), []string{section, id}, old) {
				report.warn(ruleOldVariable, path,
					"a name after $ is text since v0.107, and no variable: write ${env:NAME} if one is meant")
			}
		}
	}
}

// placesBelow lists, in order, the places below a path whose single values are as wanted.
func placesBelow(value any, path []string, wanted func(any) bool) [][]string {
	var places [][]string
	switch value := value.(type) {
	case map[string]any:
		for key, value := range value {
			places = append(places, placesBelow(value, append(slices.Clone(path), key), wanted)...)
		}
		slices.SortFunc(places, slices.Compare[[]string])
	case []any:
		for i, value := range value {
			places = append(places, placesBelow(value, append(slices.Clone(path), fmt.Sprint(i)), wanted)...)
		}
	default:
		if wanted(value) {
			places = append(places, path)
		}
	}
	return places
}
