// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/component"
)

// Config holds the settings of the processor `prometheus_labels`. The first three take the place of settings of the
// exporter, which then must not have them; the last two repeat settings that the exporter keeps.
type Config struct {
	// ConstLabels are put on each point that has no label of that name, in place of the exporter's `const_labels`.
	ConstLabels map[string]string `mapstructure:"const_labels"`

	// ResourceAttributes makes attributes of the resource labels of its points, in place of the exporter's
	// `resource_to_telemetry_conversion.enabled`.
	ResourceAttributes bool `mapstructure:"resource_attributes"`

	// ExcludeServiceAttributes leaves `service.name`, `service.namespace` and `service.instance.id` out of these, as far
	// as `job` and `instance` tell them; in place of `resource_to_telemetry_conversion.exclude_service_attributes`.
	ExcludeServiceAttributes bool `mapstructure:"exclude_service_attributes"`

	// WithoutScopeInfo says that the exporter shows no labels of the scope: its setting of the same name.
	WithoutScopeInfo bool `mapstructure:"without_scope_info"`

	// TranslationStrategy says what the exporter makes of names: its setting of the same name. Empty is its default.
	TranslationStrategy string `mapstructure:"translation_strategy"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ component.Config = (*Config)(nil)

func createDefaultConfig() component.Config {
	return &Config{ConstLabels: map[string]string{}}
}

// Validate returns an error that names all settings that make no sense.
func (c *Config) Validate() error {
	namer, err := newNamer(c.TranslationStrategy)
	if err != nil {
		return err
	}
	var faults []error
	labels := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.ConstLabels)) {
		label, err := namer.constLabel(name, c.ConstLabels[name])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if other, ok := labels[label]; ok {
			faults = append(faults, fmt.Errorf("const_labels has %q and %q, which are both the label %q: remove one", other, name, label))
		}
		labels[label] = name
	}
	return errors.Join(faults...)
}
