// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// Scenario: a setting has a value that cannot be used.
// Guarantee: the message names key, value and remedy.
func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Config)
		message string
	}{
		"cache writes":    {func(c *Config) { c.Pricing.CacheWrites = "2h" }, `pricing: cache_writes is "2h": use "auto", "5m", "1h", or the part that lives for an hour as a number from 0 to 1; the default is "auto"`},
		"reload interval": {func(c *Config) { c.Pricing.ReloadInterval = time.Millisecond }, "pricing: reload_interval is 1ms: use at least 1s; the default is 10s"},
		"no room":         {func(c *Config) { c.Deduplication.MaxRequests = 0 }, "deduplication: max_requests is 0: use a number from 1 to 100000000; the default is 200000"},
		"no window":       {func(c *Config) { c.Deduplication.Window = 0 }, "deduplication: window is 0s: use at least 1s; the default is 30m0s"},
		"content":         {func(c *Config) { c.Attributes = []string{"prompt"} }, `attributes has "prompt": it can hold what people write or a secret, which must not become part of a metric; remove it`},
		"twice":           {func(c *Config) { c.Attributes = []string{"a", "a"} }, `attributes has "a" twice: remove one`},
		"empty":           {func(c *Config) { c.ResourceAttributes = []string{"*"} }, `resource_attributes has "*" at position 1: name an attribute or remove the entry`},
		"pattern":         {func(c *Config) { c.Attributes = []string{"user.*"} }, `attributes has "user.*": write each attribute's whole name`},
		"middle":          {func(c *Config) { c.ResourceAttributes = []string{"a*b"} }, `resource_attributes has "a*b": use "*" at the end only`},
		"own":             {func(c *Config) { c.Attributes = []string{"model"} }, `attributes has "model": the connector sets it itself, remove the entry`},
		"secret":          {func(c *Config) { c.ResourceAttributes = []string{"api_key"} }, `resource_attributes has "api_key": it can hold`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := createDefaultConfig().(*Config)
			c.change(cfg)
			require.ErrorContains(t, confmap.Validate(cfg), c.message)
		})
	}
}

// Scenario: one collector has two connectors, and one of them is changed.
// Guarantee: defaults are not shared.
func TestDefaultsAreNotShared(t *testing.T) {
	one, other := createDefaultConfig().(*Config), createDefaultConfig().(*Config)
	one.Attributes[0], one.ResourceAttributes[0] = "changed", "changed"
	assert.Equal(t, "session.id", other.Attributes[0])
	assert.Equal(t, "service.name", other.ResourceAttributes[0])
}
