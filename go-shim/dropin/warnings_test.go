// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// Scenario: each case of testdata/warnings is resolved as at a start and looked through.
// Guarantee: exactly what the case says is warned about, and nothing is changed.
func TestWarnings(t *testing.T) {
	for rule, cases := range ruleCases(t, "warnings") {
		for _, c := range cases {
			t.Run(rule+"/"+c.Name, func(t *testing.T) {
				for name, value := range c.Environment {
					t.Setenv(name, value)
				}
				conf := resolve(t, baseConfiguration(t), c.Input)
				before := xconfmap.ToStringMapRaw(conf)
				assert.Equal(t, c.Entries, passThrough(t, conf, c.Environment, warn))
				assert.Equal(t, before, xconfmap.ToStringMapRaw(conf))
			})
		}
	}
}

// Scenario: the rules of the warnings are put beside their cases and the table in README.md.
// Guarantee: each has cases that show it and a row that says what to do.
func TestWarningsAreDocumentedAndTested(t *testing.T) {
	rules := []string{
		ruleDebugDetailed, rulePublicDiagnostics, ruleAnyOrigin, rulePlainCredentials, ruleServiceName, ruleUnusedComponent,
		ruleListensHereOnly, ruleEmptyVariable, ruleOldVariable, ruleVariableName,
	}
	slices.Sort(rules)
	requireShown(t, rules, ruleCases(t, "warnings"))
	assert.Equal(t, rules, documentedRules(t, "Warnings"))
}
