// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Scenario: every setting is written, one rule as a preset.
// Guarantee: the engine gets all of it, the preset as the rules it stands for; with `emit: interval` nothing is sent
// again (L2), and a tick comes once per flush_interval (L3).
func TestSettingsReachTheEngine(t *testing.T) {
	cfg, err := loadConfig(t, "everything")
	require.NoError(t, err)
	assert.Equal(t, accumulator.Settings{
		Engine: engine.Config{
			Identity: engine.IdentityPrometheus,
			Prometheus: engine.PrometheusLabels{
				PromoteResourceAttributes: []string{"os.type", "os.version"}, PromoteScopeMetadata: true,
			},
			MaxStale:        48 * time.Hour,
			FirstValueDelay: 75 * time.Second,
			Emit:            engine.EmitInterval,
			EmitInterval:    2 * time.Minute,
			EmitMaxStreams:  100,
			Retransmissions: engine.Add,
			MaxStreams:      5000,
			MaxMemoryBytes:  64 << 20,
			Rules: []engine.Rule{
				{
					Metrics:   []string{"claude_code.*", "token_ledger.*"},
					Drop:      []string{"session.id", "ccr.session.id", "user.account_uuid", "user.account_id", "enduser.sub", "app.version"},
					MaxValues: map[string]uint32{"agent.name": 200, "skill.name": 200},
				},
				{
					Metrics:   []string{"claude_code.*", "gemini_cli.token.usage"},
					Drop:      []string{"user.id"},
					MaxValues: map[string]uint32{"model": 50, "vcs.repository.url.full": 100_000},
				},
				{Metrics: []string{"queue.?"}, Keep: []string{}, Gauge: "max"},
			},
			ResourceRule: engine.ResourceRule{Keep: []string{"service.name"}},
			Pricing:      &engine.Pricing{OneHourShare: new(0.25)},
			Storage: engine.Storage{
				Directory: "/var/lib/tokenledger/token_ledger-2", Sync: engine.SyncDisk, SnapshotInterval: time.Minute,
				Retention: 9600 * time.Hour,
			},
		},
		MetadataKeys: []string{"X-Tenant", "x-team"},
		TickInterval: 30 * time.Second,
		Remedy:       remedy,
	}, cfg.settings(component.NewIDWithName(metadata.Type, "2"), zap.NewNop()))
}

// Scenario: nothing is written.
// Guarantee: idle totals are sent again each minute, held ones are looked at each second, memory is limited, and there is
// no ledger.
func TestDefaultSettings(t *testing.T) {
	settings := createDefaultConfig().(*Config).settings(component.NewID(metadata.Type), zap.NewNop())
	assert.Equal(t, time.Minute, settings.Engine.EmitInterval)
	assert.Equal(t, time.Second, settings.TickInterval)
	assert.Positive(t, settings.Engine.MaxMemoryBytes)
	assert.Nil(t, settings.Engine.Rules)
	assert.False(t, settings.Engine.Storage.Enabled())
}

// Scenario: every way to write `sync`.
// Guarantee: each is read as what the README says.
func TestSyncModes(t *testing.T) {
	for text, expected := range map[string]engine.Sync{
		"process": engine.SyncProcess, "disk": engine.SyncDisk, "1s": engine.SyncEvery(time.Second),
		"1m30s": engine.SyncEvery(90 * time.Second),
	} {
		cfg := StorageConfig{Directory: "state", Sync: text, SnapshotInterval: time.Minute}
		require.NoError(t, cfg.Validate(), text)
		assert.Equal(t, expected, cfg.settings(component.NewID(metadata.Type)).Sync, text)
	}
}

// Scenario: each ready set of rules.
// Guarantee: its rules could have been written by a user.
func TestPresetsAreValid(t *testing.T) {
	for name, rules := range presets {
		for _, rule := range rules {
			require.NoError(t, confmap.Validate(&rule), name)
		}
	}
}
