// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other.
func TestReadmeNamesEverySetting(t *testing.T) {
	documented := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| `([^`]*)` \\|")
	for _, match := range row.FindAllStringSubmatch(readme(t), -1) {
		documented[match[1]] = sameSpelling(match[2])
	}
	settings := map[string]string{}
	listSettings(reflect.ValueOf(*createDefaultConfig().(*Config)), "", settings)
	assert.Equal(t, settings, documented)
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
		sub, err := all.Sub("processors::token_ledger")
		require.NoError(t, err)
		cfg := createDefaultConfig()
		require.NoError(t, sub.Unmarshal(cfg))
		require.NoError(t, confmap.Validate(cfg))
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}

// listSettings collects the keys of a configuration, nested ones with a dot, and their values as text.
func listSettings(cfg reflect.Value, prefix string, into map[string]string) {
	for i := range cfg.NumField() {
		key, ok := cfg.Type().Field(i).Tag.Lookup("mapstructure")
		if !ok {
			continue
		}
		field := cfg.Field(i)
		if field.Kind() == reflect.Struct {
			listSettings(field, prefix+key+".", into)
			continue
		}
		if key == "keep" && field.IsNil() {
			into[prefix+key] = "unset" // an empty list keeps nothing
			continue
		}
		if field.Kind() == reflect.String && field.Len() == 0 {
			into[prefix+key] = `""` // nothing between two backquotes is no code in Markdown
			continue
		}
		if aliases, ok := field.Interface().(map[string][]string); ok {
			into[prefix+key] = flow(aliases)
			continue
		}
		into[prefix+key] = fmt.Sprint(field.Interface())
	}
}

// flow writes a map of lists in one line of YAML.
func flow(lists map[string][]string) string {
	var entries []string
	for _, key := range slices.Sorted(maps.Keys(lists)) {
		entries = append(entries, key+": ["+strings.Join(lists[key], ", ")+"]")
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

// sameSpelling writes a duration as Go does (24h as 24h0m0s) and leaves everything else.
func sameSpelling(text string) string {
	if duration, err := time.ParseDuration(text); err == nil && text != "0" {
		return duration.String()
	}
	return text
}
