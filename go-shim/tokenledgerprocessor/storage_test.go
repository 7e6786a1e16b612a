// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadatatest"
)

// configIn keeps a ledger below a directory.
func configIn(directory string) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Storage.Directory = directory
	return cfg
}

// settingsFor are those of a component that a user named.
func settingsFor(name string) processor.Settings {
	set := processortest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type)
	if name != "" {
		set.ID = component.NewIDWithName(metadata.Type, name)
	}
	return set
}

// run starts a metrics processor as a collector does, sends it one window, and shuts it down. It returns the last value
// that left, and its start.
func run(t *testing.T, cfg *Config, start, end time.Duration, value int64) (total int64, began time.Time) {
	t.Helper()
	next := new(consumertest.MetricsSink)
	p, err := NewFactory().CreateMetrics(t.Context(), settingsFor(""), cfg, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeMetrics(t.Context(), window(start, end, "input", value)))
	require.NoError(t, p.Shutdown(t.Context()))
	all := next.AllMetrics()
	last := all[len(all)-1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
	return lastValue(all), last.At(last.Len() - 1).StartTimestamp().AsTime()
}

// Scenario: a collector ends and starts again, or reloads its configuration, with one setting changed: the same
// component is shut down and made anew (L6). In between, its client sends the last request again.
// Guarantee: with a ledger the total goes on with the same start, in every mode of sync; without one it starts anew.
func TestTotalsGoOnAfterReload(t *testing.T) {
	for _, sync := range []string{"process", "disk", "1s"} {
		t.Run(sync, func(t *testing.T) {
			cfg := configIn(t.TempDir())
			cfg.Storage.Sync = sync
			require.NoError(t, confmap.Validate(cfg))
			total, began := run(t, cfg, 10*time.Second, 20*time.Second, 5)
			assert.Equal(t, int64(5), total)

			cfg.EmitInterval = 2 * time.Minute
			total, again := run(t, cfg, 10*time.Second, 20*time.Second, 5)
			assert.Equal(t, int64(5), total, "a retry adds nothing (D3)")
			assert.Equal(t, began, again)
			total, again = run(t, cfg, 20*time.Second, 30*time.Second, 7)
			assert.Equal(t, int64(12), total)
			assert.Equal(t, began, again)
		})
	}
	t.Run("without ledger", func(t *testing.T) {
		cfg := createDefaultConfig().(*Config)
		run(t, cfg, 10*time.Second, 20*time.Second, 5)
		total, _ := run(t, cfg, 20*time.Second, 30*time.Second, 7)
		assert.Equal(t, int64(7), total)
	})
}

// Scenario: a configuration with a ledger is read, validated, and its component made and shut down without Start.
// Guarantee: nothing is touched: `validate` may run elsewhere, as another user, or beside the collector.
func TestValidateTouchesNoFiles(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "state")
	cfg := configIn(directory)
	require.NoError(t, confmap.Validate(cfg))
	p, err := NewFactory().CreateMetrics(t.Context(), settingsFor(""), cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, p.Shutdown(t.Context()))
	assert.NoDirExists(t, directory)
}

// Scenario: one component in a pipeline of each signal, and in a second one of metrics.
// Guarantee: logs and traces keep nothing; the second metrics pipeline is refused with the name to write instead, and
// with that name both work, each in a directory of its own.
func TestOneMetricsPipelinePerLedger(t *testing.T) {
	directory := t.TempDir()
	cfg, factory := configIn(directory), NewFactory()
	create := func(signal, name string) component.Component {
		var c component.Component
		var err error
		switch signal {
		case "metrics":
			c, err = factory.CreateMetrics(t.Context(), settingsFor(name), cfg, consumertest.NewNop())
		case "logs":
			c, err = factory.CreateLogs(t.Context(), settingsFor(name), cfg, consumertest.NewNop())
		case "traces":
			c, err = factory.CreateTraces(t.Context(), settingsFor(name), cfg, consumertest.NewNop())
		}
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Shutdown(context.WithoutCancel(t.Context()))) })
		return c
	}
	for _, signal := range []string{"metrics", "logs", "traces"} {
		require.NoError(t, create(signal, "").Start(t.Context(), componenttest.NewNopHost()), signal)
	}
	err := create("metrics", "").Start(t.Context(), componenttest.NewNopHost())
	for _, part := range []string{"cannot open the ledger of token_ledger:", "two metrics pipelines", "token_ledger/2"} {
		require.ErrorContains(t, err, part)
	}
	require.NoError(t, create("metrics", "2").Start(t.Context(), componenttest.NewNopHost()))

	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	assert.Equal(t, []string{"token_ledger", "token_ledger-2"}, names)
}

// Scenario: the directory cannot be made, because a file is where it should be.
// Guarantee: the start ends with an error that names the component and the place.
func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("no directory"), 0o600))
	p, err := NewFactory().CreateMetrics(t.Context(), settingsFor("2"), configIn(file), consumertest.NewNop())
	require.NoError(t, err)
	err = p.Start(t.Context(), componenttest.NewNopHost())
	require.ErrorContains(t, err, "cannot open the ledger of token_ledger/2:")
	require.ErrorContains(t, err, file)
	require.NoError(t, p.Shutdown(t.Context()))
}

// Scenario: requests come in before and while the ledger cannot be written, and background work fails.
// Guarantee: every figure of the ledger is what the engine says, and refusals and failures are counted.
func TestLedgerTelemetry(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(tt)
	clock := &enginetest.Clock{}
	directory := t.TempDir()
	r := newRigWith(t, set, consumertest.NewNop(), func(cfg *Config) { cfg.Storage.Directory = directory }, clock.Read)
	clock.MoveTo(20 * time.Second)
	require.NoError(t, r.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
	r.InjectFullDisk(true)
	for second := time.Duration(21); second < 24; second++ {
		clock.MoveTo(second * time.Second)
		require.Error(t, r.ConsumeMetrics(t.Context(), window((second-1)*time.Second, second*time.Second, "input", 5)))
	}

	stats := r.Stats()
	assert.Positive(t, stats.LedgerCommits)
	assert.Positive(t, stats.LedgerFailedCommits)
	ignore := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualProcessorTokenLedgerLedgerStopped(t, tt, selfPoint(set, 1), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerRefusedRequests(t, tt, selfPoint(set, 3), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerCommits(t, tt, selfPoint(set, stats.LedgerCommits), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerFailedCommits(t, tt, selfPoint(set, stats.LedgerFailedCommits), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerFileBytes(t, tt, selfPoint(set, stats.LedgerFileBytes), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerJournalBytes(t, tt, selfPoint(set, stats.LedgerJournalBytes), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerSnapshots(t, tt, selfPoint(set, stats.LedgerSnapshots), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerFailedSnapshots(t, tt, selfPoint(set, stats.LedgerFailedSnapshots), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerDamaged(t, tt, selfPoint(set, 0), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerLedgerRestoredStreams(t, tt, selfPoint(set, 0), ignore)
	metadatatest.AssertEqualProcessorTokenLedgerUsagePending(t, tt, selfPoint(set, stats.UsagePending), ignore)

	r.InjectFullDisk(false)
	clock.MoveTo(2 * time.Minute)
	require.NoError(t, r.Tick(t.Context(), false))
	metadatatest.AssertEqualProcessorTokenLedgerLedgerStopped(t, tt, selfPoint(set, 0), ignore)
}
