// SPDX-License-Identifier: Apache-2.0

// Package readmetest compares a component's README with its code, so that a setting cannot be added, renamed or get
// another default without the page saying so. Tests of components use it; it reads README.md of the package under test.
package readmetest // import "github.com/tokenledger/tokenledger/go-shim/internal/readmetest"

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// Text is the whole README.
func Text(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(tb, err)
	return string(text)
}

// Section is the part below a heading such as "## Configuration", up to the next of its kind.
func Section(tb testing.TB, heading string) string {
	tb.Helper()
	_, after, ok := strings.Cut(Text(tb), "\n"+heading+"\n")
	require.True(tb, ok, heading)
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

// settingRow is a row that begins with a setting and its default, both as code.
var settingRow = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| `([^`]*)` \\|")

// Settings are the settings that the tables in a text name, with their defaults as Spelling writes them.
func Settings(text string) map[string]string {
	documented := map[string]string{}
	for _, match := range settingRow.FindAllStringSubmatch(text, -1) {
		documented[match[1]] = Spelling(match[2])
	}
	return documented
}

// Defaults are the keys of a configuration, nested ones with a dot, and their values as a README writes them. It takes a
// pointer to a struct.
func Defaults(cfg component.Config) map[string]string {
	settings := map[string]string{}
	list(reflect.ValueOf(cfg).Elem(), "", settings)
	return settings
}

func list(cfg reflect.Value, prefix string, into map[string]string) {
	for i := range cfg.NumField() {
		key, ok := cfg.Type().Field(i).Tag.Lookup("mapstructure")
		if !ok {
			continue
		}
		if field := cfg.Field(i); field.Kind() == reflect.Struct {
			list(field, prefix+key+".", into)
		} else {
			into[prefix+key] = written(key, field)
		}
	}
}

func written(key string, field reflect.Value) string {
	switch {
	case key == "keep" && field.IsNil():
		return "unset" // an empty list keeps nothing
	case field.Kind() == reflect.String && field.Len() == 0:
		return `""` // nothing between two backquotes is no code in Markdown
	case field.Kind() == reflect.Map && field.Len() == 0:
		return "{}"
	}
	if lists, ok := field.Interface().(map[string][]string); ok {
		return flow(lists)
	}
	return fmt.Sprint(field.Interface())
}

// flow writes a map of lists in one line of YAML.
func flow(lists map[string][]string) string {
	var entries []string
	for _, key := range slices.Sorted(maps.Keys(lists)) {
		entries = append(entries, key+": ["+strings.Join(lists[key], ", ")+"]")
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

// Spelling writes a duration as Go does (24h as 24h0m0s) and leaves everything else.
func Spelling(text string) string {
	if duration, err := time.ParseDuration(text); err == nil && text != "0" {
		return duration.String()
	}
	return text
}

var example = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// RequireValidExamples reads the README's examples as a user would copy them, and returns what they mean. A path is that
// of the component in them: "processors::token_ledger".
func RequireValidExamples(tb testing.TB, path string, newConfig func() component.Config) []component.Config {
	tb.Helper()
	var configs []component.Config
	for _, block := range example.FindAllStringSubmatch(Text(tb), -1) {
		file := filepath.Join(tb.TempDir(), "example.yaml")
		require.NoError(tb, os.WriteFile(file, []byte(block[1]), 0o600))
		all, err := confmaptest.LoadConf(file)
		require.NoError(tb, err)
		sub, err := all.Sub(path)
		require.NoError(tb, err)
		cfg := newConfig()
		require.NoError(tb, sub.Unmarshal(cfg))
		require.NoError(tb, confmap.Validate(cfg))
		configs = append(configs, cfg)
	}
	require.NotEmpty(tb, configs)
	return configs
}
