// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// Scenario: the parts that the converter knows are put beside those that the distribution is built from.
// Guarantee: they are the same, so that a hint never says of a part that is there that it is missing, or the other way.
func TestPartsAreThoseOfTheDistribution(t *testing.T) {
	content, err := os.ReadFile("../../builder-config.yaml")
	require.NoError(t, err)
	var built map[string]any
	require.NoError(t, yaml.Unmarshal(content, &built))
	for _, section := range sections {
		var modules, known []string
		for _, entry := range built[section].([]any) {
			fields := entry.(map[string]any)
			module, _, _ := strings.Cut(fields["gomod"].(string), " ")
			if path, ok := fields["import"].(string); ok {
				module = path
			}
			elements := strings.Split(module, "/")
			modules = append(modules, strings.Join(elements[len(elements)-2:], "/"))
		}
		for _, part := range shippedParts {
			if part.section == section {
				known = append(known, part.module)
			}
		}
		slices.Sort(modules)
		slices.Sort(known)
		assert.Equal(t, modules, known, section)
	}
}

// Scenario: types of each section, by new and old names, by another release's spelling, and of other images.
// Guarantee: a spelling leads to the name of today, and nothing else does.
func TestSpellings(t *testing.T) {
	assert.True(t, shipped("exporters", "otlphttp"))
	assert.False(t, shipped("receivers", "otlphttp"))
	for _, section := range sections {
		for _, kind := range shippedTypes(section) {
			today, known := spelling(section, strings.ReplaceAll(kind, "_", ""))
			assert.True(t, known)
			assert.Equal(t, kind, today)
		}
	}
	_, known := spelling("exporters", "awsemf")
	assert.False(t, known)
}
