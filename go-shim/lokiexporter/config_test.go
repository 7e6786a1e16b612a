// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// load reads one configuration of testdata/config.yaml.
func load(t *testing.T, id string) *Config {
	t.Helper()
	all, err := confmaptest.LoadConf("testdata/config.yaml")
	require.NoError(t, err)
	sub, err := all.Sub("exporters::" + id)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	return cfg
}

// Scenario: configurations that were written for the removed exporter.
// Guarantee: each setting arrives; a default label that is not named stays on.
func TestConfigurations(t *testing.T) {
	cfg := load(t, "loki")
	assert.Equal(t, "http://loki:3100/loki/api/v1/push", cfg.ClientConfig.Endpoint)
	assert.Equal(t, 30*time.Second, cfg.ClientConfig.Timeout)
	assert.Equal(t, DefaultLabelsConfig{Exporter: false, Job: true, Instance: true, Level: true}, cfg.DefaultLabelsEnabled)
	require.True(t, cfg.QueueConfig.HasValue())
	assert.Equal(t, 10, cfg.QueueConfig.Get().NumConsumers)
	assert.True(t, cfg.RetryConfig.Enabled)

	cfg = load(t, "loki/all")
	assert.Equal(t, 10*time.Second, cfg.ClientConfig.Timeout)
	assert.Equal(t, 345, cfg.ClientConfig.WriteBufferSize)
	assert.Equal(t, configcompression.TypeGzip, cfg.ClientConfig.Compression)
	tenant, _ := cfg.ClientConfig.Headers.Get("X-Scope-OrgID")
	assert.Equal(t, "acme", string(tenant))
	assert.True(t, cfg.ClientConfig.TLS.InsecureSkipVerify)
	assert.Equal(t, component.MustNewID("basicauth"), cfg.ClientConfig.Auth.Get().AuthenticatorID)
	assert.Equal(t, 10*time.Minute, cfg.RetryConfig.MaxElapsedTime)
	assert.Equal(t, 2, cfg.QueueConfig.Get().NumConsumers)
	assert.Equal(t, int64(10), cfg.QueueConfig.Get().QueueSize)
	assert.Zero(t, cfg.DefaultLabelsEnabled)

	cfg = load(t, "loki/no_queue")
	assert.False(t, cfg.QueueConfig.HasValue())
	assert.False(t, cfg.RetryConfig.Enabled)
	assert.NoError(t, componenttest.CheckConfigStruct(cfg))
}

// Scenario: a configuration has a setting that does not exist, that was withdrawn years ago, or a value that cannot work.
// Guarantee: it is refused; the message names the setting and what to write instead.
func TestRefusedConfigurations(t *testing.T) {
	const endpoint = "http://loki:3100/loki/api/v1/push"
	for name, c := range map[string]struct {
		raw  map[string]any
		says []string
	}{
		"no endpoint":      {map[string]any{}, []string{`"endpoint" is missing`, "http://loki:3100/loki/api/v1/push"}},
		"no scheme":        {map[string]any{"endpoint": "loki:3100"}, []string{`"endpoint" is no URL`, "http://loki:3100/loki/api/v1/push"}},
		"no host":          {map[string]any{"endpoint": "http:///loki/api/v1/push"}, []string{`"endpoint" is no URL`}},
		"unknown":          {map[string]any{"endpoint": endpoint, "endpoints": "x"}, []string{"endpoints"}},
		"unknown in queue": {map[string]any{"endpoint": endpoint, "sending_queue": map[string]any{"size": 1}}, []string{"sending_queue", "size"}},
		"withdrawn": {
			map[string]any{"endpoint": endpoint, "tenant_id": "a", "labels": map[string]any{"attributes": map[string]any{"a": ""}}},
			[]string{`"tenant_id" is no setting any more`, "X-Scope-OrgID", `"labels" is no setting any more`, "loki.attribute.labels"},
		},
		"withdrawn too": {
			map[string]any{"endpoint": endpoint, "format": "body", "tenant": map[string]any{"source": "static"}},
			[]string{`"format"`, "loki.format", `"tenant"`, "loki.tenant"},
		},
		"snappy twice":      {map[string]any{"endpoint": endpoint, "compression": "snappy"}, []string{"compression: snappy", "leave it out"}},
		"unknown to Loki":   {map[string]any{"endpoint": endpoint, "compression": "zstd"}, []string{"compression: zstd", "leave it out"}},
		"no compression":    {map[string]any{"endpoint": endpoint, "compression": "brotli"}, []string{"compression"}},
		"nobody to send":    {map[string]any{"endpoint": endpoint, "sending_queue": map[string]any{"num_consumers": 0}}, []string{"num_consumers"}},
		"negative interval": {map[string]any{"endpoint": endpoint, "retry_on_failure": map[string]any{"initial_interval": "-1s"}}, []string{"initial_interval"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := createDefaultConfig()
			err := confmap.NewFromStringMap(c.raw).Unmarshal(cfg)
			if err == nil {
				err = confmap.Validate(cfg)
			}
			require.Error(t, err)
			for _, words := range c.says {
				assert.ErrorContains(t, err, words)
			}
		})
	}
}

// Scenario: default_labels_enabled has names that mean nothing, which the removed exporter took.
// Guarantee: the configuration is taken too, what it says of known names holds, and the unknown ones are known for a warning.
func TestUnknownDefaultLabels(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"endpoint":               "http://loki:3100/loki/api/v1/push",
		"default_labels_enabled": map[string]any{"servce": true, "job": false, "host": false},
	}).Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, DefaultLabelsConfig{Exporter: true, Instance: true, Level: true}, cfg.DefaultLabelsEnabled)
	assert.Equal(t, []string{"host", "servce"}, cfg.unknownLabels)
}

// Scenario: an endpoint holds a password and cannot be read.
// Guarantee: the message, which goes into logs, does not repeat it.
func TestRefusalsHideThePassword(t *testing.T) {
	for _, endpoint := range []string{"http://me:hunter2@loki:port/push", "ftp://me:hunter2@loki/push", "http://me:hunter2@/push", "http://me:hunter2@lo ki/"} {
		err := (&Config{}).Validate()
		require.Error(t, err)
		err = validateEndpoint(endpoint)
		require.Error(t, err, endpoint)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
