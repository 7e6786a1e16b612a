// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokenledger/tokenledger/go-shim/internal/readmetest"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other.
func TestReadmeNamesEverySetting(t *testing.T) {
	assert.Equal(t, readmetest.Defaults(createDefaultConfig()), readmetest.Settings(readmetest.Text(t)))
}

// Scenario: a kind of collision is added or gets another name.
// Guarantee: the README says what becomes of each.
func TestReadmeNamesEveryKind(t *testing.T) {
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^`]").FindAllStringSubmatch(readmetest.Text(t), -1) {
		documented[row[1]] = true
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| `[^|]*\\|").FindAllStringSubmatch(readmetest.Text(t), -1) {
		if !isSetting(row[1]) {
			documented[row[1]] = true
		}
	}
	kinds := map[string]bool{}
	for _, name := range kindNames {
		kinds[name] = true
	}
	assert.Equal(t, kinds, documented)
}

func isSetting(name string) bool {
	cfg := reflect.TypeFor[Config]()
	for i := range cfg.NumField() {
		if cfg.Field(i).Tag.Get("mapstructure") == name {
			return true
		}
	}
	return false
}

// Scenario: a reader copies an example of the README.
// Guarantee: it is accepted.
func TestReadmeExamplesAreValid(t *testing.T) {
	for _, cfg := range readmetest.RequireValidExamples(t, "processors::prometheus_labels", createDefaultConfig) {
		assert.NotEqual(t, createDefaultConfig(), cfg)
	}
}
