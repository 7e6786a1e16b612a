// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// Scenario: a setting has a value that cannot be used.
// Guarantee: the message names key, value and remedy; all faults are named at once.
func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		cfg     Config
		message string
	}{
		"strategy":  {Config{TranslationStrategy: "Escape"}, `translation_strategy is "Escape", which the exporter does not know: use its own, UnderscoreEscapingWithSuffixes,`},
		"empty":     {Config{ConstLabels: map[string]string{"": "v"}}, `const_labels has "", which no label can be named: use letters`},
		"reserved":  {Config{ConstLabels: map[string]string{"__name__": "v"}}, `const_labels has "__name__", which no label can be named: use letters`},
		"only lows": {Config{ConstLabels: map[string]string{"_": "v"}}, `const_labels has "_", which no label can be named: use letters`},
		"value":     {Config{ConstLabels: map[string]string{"a": "\xff"}}, `const_labels has the value "\xff" for "a": write it in UTF-8`},
		"twins":     {Config{ConstLabels: map[string]string{"a.b": "1", "a_b": "2"}}, `const_labels has "a.b" and "a_b", which are both the label "a_b": remove one`},
		"bytes":     {Config{ConstLabels: map[string]string{"a\xff": "v"}, TranslationStrategy: noTranslation}, `const_labels has "a\xff", which no label can be named`},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, confmap.Validate(&c.cfg), c.message)
		})
	}
	err := confmap.Validate(&Config{ConstLabels: map[string]string{"": "v", "__b": "v"}})
	require.ErrorContains(t, err, `""`)
	require.ErrorContains(t, err, `"__b"`)
}

// Scenario: settings as the exporter takes them.
// Guarantee: they are taken; names that are different to the exporter do not collide.
func TestValid(t *testing.T) {
	for _, cfg := range []*Config{
		createDefaultConfig().(*Config),
		{ConstLabels: map[string]string{"deployment.environment": "dev", "source": "", "größe": "1"}},
		{ConstLabels: map[string]string{"a.b": "1", "a_b": "2"}, TranslationStrategy: noTranslation},
		{TranslationStrategy: noUTF8EscapingWithSuffixes},
		{TranslationStrategy: underscoreEscapingWithoutSuffixes, ExcludeServiceAttributes: true},
	} {
		assert.NoError(t, confmap.Validate(cfg))
	}
}

// Scenario: one collector has two processors, and one of them is changed.
// Guarantee: defaults are not shared.
func TestDefaultsAreNotShared(t *testing.T) {
	createDefaultConfig().(*Config).ConstLabels["a"] = "changed"
	assert.Empty(t, createDefaultConfig().(*Config).ConstLabels)
}
