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
		EmitInterval:    time.Minute,
		EmitMaxStreams:  20_000,
		MaxStale:        24 * time.Hour,
		MaxLag:          5 * time.Minute,
		Retransmissions: "recognise",
		Cardinality:     CardinalityConfig{MaxStreams: 1_000_000},
		Storage:         StorageConfig{Sync: "process", SnapshotInterval: 5 * time.Minute, Usage: true},
		Pricing:         PricingConfig{Source: "none", ReloadInterval: 10 * time.Second, CacheWrites: "auto", BesideEvents: "refuse"},
		Attribution:     defaultAttribution(),
	}, cfg)

	cfg, err = loadConfig(t, "everything")
	require.NoError(t, err)
	assert.Equal(t, &Config{
		Identity:        "prometheus",
		Prometheus:      PrometheusConfig{PromoteResourceAttributes: []string{"os.type", "os.version"}, PromoteScopeMetadata: true},
		Emit:            "interval",
		FlushInterval:   30 * time.Second,
		EmitInterval:    2 * time.Minute,
		EmitMaxStreams:  100,
		MaxStale:        48 * time.Hour,
		FirstValueDelay: 75 * time.Second,
		Retransmissions: "add",
		MetadataKeys:    []string{"X-Tenant", "x-team"},
		Cardinality: CardinalityConfig{
			MaxStreams:   5000,
			MaxMemoryMiB: 64,
			Rules: []RuleConfig{
				{Preset: "claude_code"},
				{
					Metrics:   []string{"claude_code.*", "gemini_cli.token.usage"},
					Drop:      []string{"user.id"},
					MaxValues: map[string]int{"model": 50, "vcs.repository.url.full": 100_000},
				},
				{Metrics: []string{"queue.?"}, Keep: []string{}, Gauge: "max"},
			},
			ResourceAttributes: ResourceAttributesConfig{Keep: []string{"service.name"}},
		},
		Storage: StorageConfig{
			Directory: "/var/lib/tokenledger", Sync: "disk", SnapshotInterval: time.Minute, Retention: 9600 * time.Hour,
		},
		Pricing: PricingConfig{
			Source: "metrics", File: "/etc/tokenledger/prices.toml", ReloadInterval: time.Minute, CacheWrites: "0.25", BesideEvents: "mark",
		},
		Attribution: AttributionConfig{
			File: "/etc/tokenledger/users.csv", Key: "user.id", Attributes: []string{"team"},
			Aliases:        map[string][]string{"team": {}, "project": {"repo"}},
			ReloadInterval: time.Minute, BudgetInterval: 2 * time.Minute, enabled: true,
		},
	}, cfg)
}

// Scenario: one setting cannot be used.
// Guarantee: the message names the key, the value, and what to write instead.
func TestConfigRefused(t *testing.T) {
	for name, parts := range map[string][]string{
		"unknown_key":                  {"invalid keys", "max_stael"},
		"negative_duration":            {"max_lag is -5m0s", "not negative", "without bound"},
		"negative_delay":               {"first_value_delay is -1s", "not negative", "turns it off"},
		"zero_flush_interval":          {"flush_interval is 0s", "at least 1ms", "default is 10s"},
		"zero_max_stale":               {"max_stale is 0s", "at least 1s", "default is 24h"},
		"delay_outlives_stream":        {"first_value_delay is 1m15s", "less than max_stale, which is 1m0s"},
		"zero_limit":                   {"cardinality: max_streams is 0", "from 1 to 4294967295", "default is 1000000"},
		"limit_too_large":              {"cardinality: max_streams is 4294967296", "from 1 to 4294967295"},
		"bad_emit":                     {`emit is "batch"`, `use "each" or "interval"`},
		"bad_retransmissions":          {`retransmissions is "ignore"`, `use "recognise" or "add"`},
		"bad_identity":                 {`identity is "everything"`, `use "otlp" or "prometheus"`},
		"labels_without_identity":      {"prometheus is set", `identity is "otlp"`, `use identity "prometheus", or remove prometheus`},
		"labels_twice":                 {"prometheus: promote_all_resource_attributes is true", `names "os.type"`, "remove one"},
		"duplicate_label":              {`prometheus: promote_resource_attributes has "os.type" twice`, "remove one"},
		"short_emit_interval":          {"emit_interval is 10ms", "at least 1s, or 0s to turn it off", "default is 1m0s"},
		"negative_emit_interval":       {"emit_interval is -1s", "at least 1s"},
		"zero_emit_max_streams":        {"emit_max_streams is 0", "from 1 to 4294967295", "default is 20000", "set emit_interval to 0s"},
		"duplicate_metadata_keys":      {`metadata_keys has "X-Tenant" and "x-tenant"`, "remove one"},
		"empty_metadata_key":           {`metadata_keys has "" at position 2`, "remove the entry"},
		"negative_memory":              {"cardinality: max_memory_mib is -1", "not negative", "0 is a quarter"},
		"memory_too_large":             {"cardinality: max_memory_mib is 9000000000000", "MiB"},
		"rule_without_metrics":         {"cardinality::rules::0: metrics is empty", `["claude_code.*"]`, `["*"] is all`},
		"rule_without_effect":          {"rules::0: the rule does nothing", "drop, keep, max_values or gauge, or remove it"},
		"empty_pattern":                {`metrics has "" at position 2`, "name a pattern or remove the entry"},
		"duplicate_pattern":            {`metrics has "a.*" twice`, "remove one"},
		"foreign_pattern":              {`metrics has "claude_code.{cost,token}.usage"`, "only * (any text) and ? (one character)", "one entry for each"},
		"drop_and_keep":                {`drop names "session.id" and keep names "model", "type"`, "use one of them"},
		"drop_and_keep_nothing":        {`drop names "session.id" and keep names nothing`, "use one of them"},
		"duplicate_attribute":          {`drop has "session.id" twice`, "remove one"},
		"empty_attribute":              {`keep has " " at position 2`, "name an attribute or remove the entry"},
		"zero_values":                  {`max_values of "model" is 0`, "from 1 to 100000", "name it in drop"},
		"too_many_values":              {`max_values of "model" is 100001`, "from 1 to 100000"},
		"empty_value_name":             {`max_values has ""`, "name an attribute or remove the entry"},
		"counts_what_it_drops":         {`max_values has "model", which the rule removes`, "take it out of drop"},
		"counts_what_it_does_not_keep": {`max_values has "model", which the rule removes`, "name it in keep"},
		"bad_gauge":                    {`gauge is "mean"`, `use "last" or "sum" or "max"`},
		"bad_preset":                   {`preset is "claude"`, `use one of "claude_code"`},
		"preset_and_more":              {`preset is "claude_code"`, "a preset stands alone", "a rule of their own"},
		"resource_drop_and_keep":       {"cardinality::resource_attributes: drop names", `keep names "service.name"`, "use one of them"},
		"blank_directory":              {`storage: directory is " "`, "name a directory", "in memory only"},
		"bad_sync":                     {`storage: sync is "always"`, `use "process" or "disk", or a duration`},
		"short_sync":                   {"storage: sync is 10ms", "at least 1s", `"disk"`},
		"negative_sync":                {"storage: sync is -1s", "at least 1s"},
		"short_snapshot_interval":      {"storage: snapshot_interval is 0s", "at least 1s", "default is 5m0s"},
		"short_retention":              {"storage: retention is 1m0s", "at least 1h0m0s", "0s to keep it for ever"},
		"negative_retention":           {"storage: retention is -1h0m0s", "at least 1h0m0s"},
		"bad_pricing_source":           {`pricing: source is "traces"`, `use "none" or "metrics" or "events"`},
		"price_file_for_nothing":       {`pricing: file is "prices.toml"`, `source is "none"`, "or remove file"},
		"bad_cache_writes":             {`cache_writes is "90m"`, `"auto", "5m", "1h"`, "from 0 to 1"},
		"bad_beside_events":            {`beside_events is "add"`, `use "refuse" or "mark"`},
		"short_reload_interval":        {"reload_interval is 10ms", "at least 1s", "default is 10s"},
		"duplicate_resource_attribute": {`drop has "os.version" twice`, "remove one"},
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

// Scenario: one rule more than the engine knows.
// Guarantee: refused when the configuration is read, not when the collector starts.
func TestTooManyRules(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	for range maxRules {
		cfg.Cardinality.Rules = append(cfg.Cardinality.Rules, RuleConfig{Metrics: []string{"*"}, Drop: []string{"session.id"}})
	}
	require.NoError(t, confmap.Validate(cfg))
	cfg.Cardinality.Rules = append(cfg.Cardinality.Rules, RuleConfig{Preset: "claude_code"})
	require.ErrorContains(t, confmap.Validate(cfg), "cardinality: rules has 65 entries: use at most 64")
}
