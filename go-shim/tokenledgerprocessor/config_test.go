// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// loadConfig reads one entry of testdata/config.yaml on top of the defaults.
func loadConfig(t *testing.T, name string) (*Config, error) {
	t.Helper()
	all, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := all.Sub(component.NewIDWithName(metadata.Type, name).String())
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	if err := sub.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

// Scenario: settings are left out, or all are written.
// Guarantee: what is left out has the documented default, what is written arrives.
func TestConfigAccepted(t *testing.T) {
	cfg, err := loadConfig(t, "")
	require.NoError(t, err)
	assert.Equal(t, &Config{
		Identity:        "otlp",
		Emit:            "each",
		FlushInterval:   10 * time.Second,
		MaxStale:        24 * time.Hour,
		MaxLag:          5 * time.Minute,
		Retransmissions: "recognise",
		Cardinality:     CardinalityConfig{MaxStreams: 1_000_000},
	}, cfg)

	cfg, err = loadConfig(t, "everything")
	require.NoError(t, err)
	assert.Equal(t, &Config{
		Identity:        "otlp",
		Emit:            "interval",
		FlushInterval:   30 * time.Second,
		MaxStale:        48 * time.Hour,
		FirstValueDelay: 75 * time.Second,
		Retransmissions: "add",
		MetadataKeys:    []string{"X-Tenant", "x-team"},
		Cardinality:     CardinalityConfig{MaxStreams: 5000},
	}, cfg)
}

// Scenario: one setting cannot be used.
// Guarantee: the message names the key, the value, and what to write instead.
func TestConfigRefused(t *testing.T) {
	for name, parts := range map[string][]string{
		"unknown_key":             {"invalid keys", "max_stael"},
		"negative_duration":       {"max_lag is -5m0s", "not negative", "without bound"},
		"negative_delay":          {"first_value_delay is -1s", "not negative", "turns it off"},
		"zero_flush_interval":     {"flush_interval is 0s", "at least 1ms", "default is 10s"},
		"zero_max_stale":          {"max_stale is 0s", "at least 1s", "default is 24h"},
		"delay_outlives_stream":   {"first_value_delay is 1m15s", "less than max_stale, which is 1m0s"},
		"zero_limit":              {"cardinality: max_streams is 0", "from 1 to 4294967295", "default is 1000000"},
		"limit_too_large":         {"cardinality: max_streams is 4294967296", "from 1 to 4294967295"},
		"bad_emit":                {`emit is "batch"`, `use "each" or "interval"`},
		"bad_retransmissions":     {`retransmissions is "ignore"`, `use "recognise" or "add"`},
		"identity_prometheus":     {`identity is "prometheus"`, "this version", `use "otlp"`},
		"bad_identity":            {`identity is "everything"`, `use "otlp"`},
		"duplicate_metadata_keys": {`metadata_keys has "X-Tenant" and "x-tenant"`, "remove one"},
		"empty_metadata_key":      {`metadata_keys has "" at position 2`, "remove the entry"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadConfig(t, name)
			require.Error(t, err)
			for _, part := range parts {
				assert.ErrorContains(t, err, part)
			}
		})
	}
}

// Scenario: several settings cannot be used, one of them nested.
// Guarantee: all are reported at once.
func TestConfigReportsAllErrors(t *testing.T) {
	_, err := loadConfig(t, "several")
	for _, part := range []string{"emit is", "max_lag is", "max_streams is -1"} {
		assert.ErrorContains(t, err, part)
	}
}
