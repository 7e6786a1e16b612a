// SPDX-License-Identifier: Apache-2.0

package deltatocumulativeprocessor

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
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

// Scenario: settings as users of contrib's processor write them, or none.
// Guarantee: contrib's defaults; no limit is the greatest that the engine knows; a staleness below the engine's
// resolution is rounded up.
func TestConfigAccepted(t *testing.T) {
	for name, want := range map[string]struct {
		cfg   Config
		stale time.Duration
		limit int
	}{
		"":            {Config{MaxStale: 5 * time.Minute, MaxStreams: math.MaxInt}, 5 * time.Minute, math.MaxUint32},
		"everything":  {Config{MaxStale: 24 * time.Hour, MaxStreams: 5000}, 24 * time.Hour, 5000},
		"no_limit":    {Config{MaxStale: 5 * time.Minute}, 5 * time.Minute, math.MaxUint32},
		"short_stale": {Config{MaxStale: 10 * time.Millisecond, MaxStreams: math.MaxInt}, time.Second, math.MaxUint32},
	} {
		cfg, err := loadConfig(t, name)
		require.NoError(t, err, name)
		assert.Equal(t, &want.cfg, cfg, name)
		settings := cfg.settings(zap.NewNop())
		assert.Equal(t, want.stale, settings.Engine.MaxStale, name)
		assert.Equal(t, want.limit, settings.Engine.MaxStreams, name)
	}
}

// Scenario: one setting cannot be used, or both.
// Guarantee: the message names the key, the value, and what to write instead.
func TestConfigRefused(t *testing.T) {
	for name, parts := range map[string][]string{
		"unknown_key":    {"invalid keys", "max_stael"},
		"zero_stale":     {"max_stale is 0s", "more than 0", "default is 5m0s"},
		"negative_stale": {"max_stale is -1m0s", "more than 0"},
		"negative_limit": {"max_streams is -1", "not negative", "0 means without limit"},
		"both":           {"max_stale is -1m0s", "max_streams is -1"},
	} {
		_, err := loadConfig(t, name)
		require.Error(t, err, name)
		for _, part := range parts {
			assert.ErrorContains(t, err, part, name)
		}
	}
}

// Scenario: the engine's settings that contrib's processor has no name for.
// Guarantee: what its users know: every attribute counts, output with each request, nothing sent again; and a finite
// memory.
func TestFixedSettings(t *testing.T) {
	settings := createDefaultConfig().(*Config).settings(zap.NewNop())
	assert.Positive(t, settings.Engine.MaxMemoryBytes)
	settings.Engine.MaxMemoryBytes = 0
	assert.Equal(t, engine.Config{
		Identity: engine.IdentityOTLP, MaxStale: 5 * time.Minute, MaxLag: 5 * time.Minute, Emit: engine.EmitEach,
		Retransmissions: engine.Recognise, MaxStreams: math.MaxUint32,
	}, settings.Engine)
	assert.Equal(t, time.Second, settings.TickInterval)
	assert.Empty(t, settings.MetadataKeys)
}
