// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other.
func TestReadmeNamesEverySetting(t *testing.T) {
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| `([^`]*)` \\|").FindAllStringSubmatch(readme(t), -1) {
		documented[row[1]] = row[2]
	}
	settings := map[string]string{}
	cfg := reflect.ValueOf(*createDefaultConfig().(*Config))
	for i := range cfg.NumField() {
		key, ok := cfg.Type().Field(i).Tag.Lookup("mapstructure")
		if !ok {
			continue
		}
		switch value := cfg.Field(i); value.Kind() {
		case reflect.Map:
			require.Zero(t, value.Len())
			settings[key] = "{}"
		case reflect.String:
			settings[key] = fmt.Sprintf("%q", value.String())
		default:
			settings[key] = fmt.Sprint(value.Interface())
		}
	}
	assert.Equal(t, settings, documented)
}

// Scenario: a kind of collision is added or gets another name.
// Guarantee: the README says what becomes of each.
func TestReadmeNamesEveryKind(t *testing.T) {
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^`]").FindAllStringSubmatch(readme(t), -1) {
		documented[row[1]] = true
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| `[^|]*\\|").FindAllStringSubmatch(readme(t), -1) {
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
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		file := t.TempDir() + "/example.yaml"
		require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
		all, err := confmaptest.LoadConf(file)
		require.NoError(t, err)
		sub, err := all.Sub("processors::prometheus_labels")
		require.NoError(t, err)
		cfg := createDefaultConfig()
		require.NoError(t, sub.Unmarshal(cfg))
		require.NoError(t, confmap.Validate(cfg))
		assert.NotEqual(t, createDefaultConfig(), cfg)
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}
