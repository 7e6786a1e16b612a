// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Values of `gauge` in a rule (T4).
const (
	gaugeLast = "last"
	gaugeSum  = "sum"
	gaugeMax  = "max"
)

// maxMaxValues bounds `max_values` (T2): each value that is kept takes memory, and an attribute with more is not
// trimmed by counting its values.
const maxMaxValues = 100_000

// maxRules is how many rules the engine knows, presets counted as the rules that they stand for.
const maxRules = 64

// CardinalityConfig trims attributes by adding up what becomes equal, and bounds how much the processor keeps.
type CardinalityConfig struct {
	// MaxStreams is the number of streams that are told apart; those beyond share one overflow stream per metric (T5).
	// From 1 to 4294967295.
	MaxStreams int `mapstructure:"max_streams"`

	// MaxMemoryMiB bounds the memory that the engine takes outside of Go's heap (T5), in MiB. 0 is a quarter of what
	// the process may use.
	MaxMemoryMiB int `mapstructure:"max_memory_mib"`

	// Rules trim the points of metrics by name, at most 64. All rules that match a metric apply together.
	Rules []RuleConfig `mapstructure:"rules"`

	// ResourceAttributes trims resources.
	ResourceAttributes ResourceAttributesConfig `mapstructure:"resource_attributes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RuleConfig trims the points of metrics whose name matches (T1, T2, T4), or stands for a ready set of rules.
type RuleConfig struct {
	// Preset names a ready set of rules; then nothing else is written.
	Preset string `mapstructure:"preset"`

	// Metrics are patterns of metric names: `*` stands for any text, `?` for one character.
	Metrics []string `mapstructure:"metrics"`

	// Drop names point attributes to remove.
	Drop []string `mapstructure:"drop"`

	// Keep names point attributes to keep; all others are removed. Instead of Drop.
	Keep []string `mapstructure:"keep"`

	// MaxValues is how many values of an attribute are kept; later ones become `other`. From 1 to 100000.
	MaxValues map[string]int `mapstructure:"max_values"`

	// Gauge says how gauges that become equal are merged: `last`, `sum` or `max`; empty is `last`.
	Gauge string `mapstructure:"gauge"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// ResourceAttributesConfig trims every resource (T1).
type ResourceAttributesConfig struct {
	// Drop names resource attributes to remove.
	Drop []string `mapstructure:"drop"`

	// Keep names resource attributes to keep; all others are removed. Instead of Drop.
	Keep []string `mapstructure:"keep"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Validate reports limits that cannot be used.
func (cfg *CardinalityConfig) Validate() error {
	return errors.Join(
		validateCount("max_streams", cfg.MaxStreams, defaultMaxStreams, ""),
		validateMemory(cfg.MaxMemoryMiB),
		validateRuleCount(len(expand(cfg.Rules))),
	)
}

func validateRuleCount(count int) error {
	if count > maxRules {
		return fmt.Errorf("rules has %d entries: use at most %d; one rule can name several metrics", count, maxRules)
	}
	return nil
}

func validateMemory(mib int) error {
	if mib < 0 || int64(mib) > math.MaxInt64>>20 {
		return fmt.Errorf("max_memory_mib is %d: use a number of MiB that is not negative; 0 is a quarter of what the process may use", mib)
	}
	return nil
}

// Validate reports what a rule cannot mean, and a rule that means nothing.
func (cfg *RuleConfig) Validate() error {
	if cfg.Preset != "" {
		return cfg.validatePreset()
	}
	errs := errors.Join(
		validatePatterns(cfg.Metrics),
		validateDropKeep(cfg.Drop, cfg.Keep),
		cfg.validateMaxValues(),
	)
	if cfg.Gauge != "" {
		errs = errors.Join(errs, validateOneOf("gauge", cfg.Gauge, gaugeLast, gaugeSum, gaugeMax))
	}
	if len(cfg.Drop) == 0 && cfg.Keep == nil && len(cfg.MaxValues) == 0 && cfg.Gauge == "" {
		errs = errors.Join(errs, errors.New("the rule does nothing: give it drop, keep, max_values or gauge, or remove it"))
	}
	return errs
}

// validatePreset checks a rule that stands for a ready set.
func (cfg *RuleConfig) validatePreset() error {
	known := slices.Sorted(maps.Keys(presets))
	if _, ok := presets[cfg.Preset]; !ok {
		return fmt.Errorf("preset is %q: use one of %s", cfg.Preset, quotedList(known))
	}
	if len(cfg.Metrics) > 0 || len(cfg.Drop) > 0 || cfg.Keep != nil || len(cfg.MaxValues) > 0 || cfg.Gauge != "" {
		return fmt.Errorf("preset is %q, and the rule has other settings: a preset stands alone; write them as a rule of their own, both apply together", cfg.Preset)
	}
	return nil
}

// validatePatterns checks the names of metrics. Brackets are refused because other tools give them a meaning: here
// such a pattern would silently match nothing.
func validatePatterns(patterns []string) error {
	if len(patterns) == 0 {
		return errors.New(`metrics is empty: name the metrics that the rule is for, for example ["claude_code.*"]; ["*"] is all`)
	}
	errs := validateNames("metrics", "a pattern", patterns)
	for _, pattern := range patterns {
		if strings.ContainsAny(pattern, "[]{}") {
			errs = errors.Join(errs, fmt.Errorf("metrics has %q: only * (any text) and ? (one character) are patterns; write one entry for each alternative", pattern))
		}
	}
	return errs
}

func validateDropKeep(drop, keep []string) error {
	if len(drop) > 0 && keep != nil {
		return fmt.Errorf("drop names %s and keep names %s: use one of them; what keep does not name is removed anyway",
			quotedList(drop), quotedList(keep))
	}
	return errors.Join(
		validateNames("drop", "an attribute", drop),
		validateNames("keep", "an attribute", keep),
	)
}

// validateMaxValues checks numbers, and that the attributes are there to be counted.
func (cfg *RuleConfig) validateMaxValues() error {
	var errs error
	for _, attribute := range slices.Sorted(maps.Keys(cfg.MaxValues)) {
		number := cfg.MaxValues[attribute]
		if strings.TrimSpace(attribute) == "" {
			errs = errors.Join(errs, fmt.Errorf("max_values has %q: name an attribute or remove the entry", attribute))
		}
		if number < 1 || number > maxMaxValues {
			errs = errors.Join(errs, fmt.Errorf("max_values of %q is %d: use a number from 1 to %d; to remove the attribute name it in drop",
				attribute, number, maxMaxValues))
		}
		if slices.Contains(cfg.Drop, attribute) || cfg.Keep != nil && !slices.Contains(cfg.Keep, attribute) {
			errs = errors.Join(errs, fmt.Errorf("max_values has %q, which the rule removes: take it out of drop, name it in keep, or remove the entry", attribute))
		}
	}
	return errs
}

// Validate reports lists that contradict each other.
func (cfg *ResourceAttributesConfig) Validate() error {
	return validateDropKeep(cfg.Drop, cfg.Keep)
}
