// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// noon is a time that every test can use.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

// host is one that has extensions.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// configured is the default configuration with an endpoint, without queue and repetitions, and what change does to it.
func configured(endpoint string, change func(*Config)) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.ClientConfig.Endpoint = endpoint
	cfg.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]()
	cfg.RetryConfig.Enabled = false
	if change != nil {
		change(cfg)
	}
	return cfg
}

// started is a running exporter, made by the factory, that ends with the test.
func started(t *testing.T, cfg *Config) exporter.Logs {
	t.Helper()
	return startedWith(t, cfg, exportertest.NewNopSettings(metadata.Type), componenttest.NewNopHost())
}

func startedWith(t *testing.T, cfg *Config, set exporter.Settings, host component.Host) exporter.Logs {
	t.Helper()
	require.NoError(t, cfg.Validate())
	e, err := NewFactory().CreateLogs(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), host))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.WithoutCancel(t.Context()))) })
	return e
}

// attributes is what raw has, or nothing.
func attributes(t *testing.T, to pcommon.Map, raw map[string]any) {
	t.Helper()
	require.NoError(t, to.FromRaw(raw))
}

// logsOf are records with the attributes, and a resource with its own. Each has a body of its own.
func logsOf(t *testing.T, resource map[string]any, records ...map[string]any) plog.Logs {
	t.Helper()
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	attributes(t, rl.Resource().Attributes(), resource)
	scope := rl.ScopeLogs().AppendEmpty()
	for i, record := range records {
		to := scope.LogRecords().AppendEmpty()
		to.SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(time.Duration(i) * time.Second)))
		to.Body().SetStr("record " + string(rune('a'+i)))
		attributes(t, to.Attributes(), record)
	}
	return ld
}

// someLogs is one record of a service.
func someLogs(t *testing.T) plog.Logs {
	t.Helper()
	return logsOf(t, map[string]any{"service.name": "claude-code"}, map[string]any{"tool_name": "Bash"})
}

// taken are all streams that the stand-in took.
func taken(loki *lokitest.Loki) []lokitest.Stream {
	var all []lokitest.Stream
	for _, r := range loki.Taken() {
		all = append(all, r.Streams...)
	}
	return all
}

// lines are the lines of all streams, in order.
func lines(streams []lokitest.Stream) []string {
	var all []string
	for _, s := range streams {
		for _, e := range s.Entries {
			all = append(all, e.Line)
		}
	}
	return all
}

// sent is what Loki gets for a batch with these default labels.
func sent(t *testing.T, defaults DefaultLabelsConfig, ld plog.Logs) []lokitest.Stream {
	t.Helper()
	loki := &lokitest.Loki{}
	e := started(t, configured(loki.Start(t), func(cfg *Config) { cfg.DefaultLabelsEnabled = defaults }))
	ld.MarkReadOnly()
	require.NoError(t, e.ConsumeLogs(t.Context(), ld))
	return taken(loki)
}

// allLabels is the default.
var allLabels = createDefaultConfig().(*Config).DefaultLabelsEnabled

func marshal(t *testing.T, ld plog.Logs) []byte {
	t.Helper()
	bytes, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	return bytes
}

func unmarshal(t *testing.T, bytes []byte) plog.Logs {
	t.Helper()
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(bytes)
	require.NoError(t, err)
	return ld
}
