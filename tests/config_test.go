package tests

import (
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// badSettings are settings of token_ledger that cannot work, with what the message has to name: the key, and the
// remedy.
var badSettings = []struct {
	name     string
	settings string
	says     []string
}{
	{"unknown key", "{max_stael: 1h}", []string{"token_ledger", "max_stael"}},
	{"unknown nested key", "{cardinality: {max_stream: 5}}", []string{"token_ledger", "cardinality", "max_stream"}},
	{"negative flush_interval", "{flush_interval: -1s}", []string{"token_ledger", "flush_interval is -1s", "use at least"}},
	{"zero flush_interval", "{flush_interval: 0s}", []string{"token_ledger", "flush_interval is 0s", "use at least"}},
	{"negative max_stale", "{max_stale: -24h}", []string{"token_ledger", "max_stale is -24h", "use at least"}},
	{"zero max_stale", "{max_stale: 0s}", []string{"token_ledger", "max_stale is 0s", "use at least"}},
	{"negative max_lag", "{max_lag: -5m}", []string{"token_ledger", "max_lag is -5m", "not negative"}},
	{"negative first_value_delay", "{first_value_delay: -75s}", []string{"token_ledger", "first_value_delay is -1m15s", "not negative"}},
	{"zero limit", "{cardinality: {max_streams: 0}}", []string{"token_ledger", "cardinality", "max_streams is 0", "from 1"}},
	{"negative limit", "{cardinality: {max_streams: -1}}", []string{"token_ledger", "max_streams is -1", "from 1"}},
	{"not a duration", "{max_stale: long}", []string{"token_ledger", "max_stale", "duration"}},
	{"unknown emit", "{emit: sometimes}", []string{"token_ledger", `emit is "sometimes"`, `"each" or "interval"`}},
	{"unknown retransmissions", "{retransmissions: drop}", []string{"token_ledger", `retransmissions is "drop"`, `"recognise" or "add"`}},
	{"unknown identity", "{identity: resource}", []string{"token_ledger", `identity is "resource"`, `"otlp" or "prometheus"`}},
	{"labels without identity", "{identity: otlp, prometheus: {promote_scope_metadata: true}}", []string{"token_ledger", "prometheus is set", `identity "prometheus"`}},
	{"all labels and some", "{identity: prometheus, prometheus: {promote_all_resource_attributes: true, promote_resource_attributes: [team]}}",
		[]string{"token_ledger", "promote_all_resource_attributes", "promote_resource_attributes", "remove one"}},
	{"short emit_interval", "{emit_interval: 10ms}", []string{"token_ledger", "emit_interval is 10ms", "use at least 1s"}},
	{"zero emit_max_streams", "{emit_max_streams: 0}", []string{"token_ledger", "emit_max_streams is 0", "from 1"}},
	{"negative memory", "{cardinality: {max_memory_mib: -1}}", []string{"token_ledger", "max_memory_mib is -1", "not negative"}},
	{"unknown preset", "{cardinality: {rules: [{preset: codex}]}}", []string{"token_ledger", `preset is "codex"`, "claude_code"}},
	{"preset and more", "{cardinality: {rules: [{preset: claude_code, drop: [model]}]}}", []string{"token_ledger", "preset", "alone"}},
	{"rule without metrics", "{cardinality: {rules: [{drop: [session.id]}]}}", []string{"token_ledger", "rules", "metrics is empty"}},
	{"rule that does nothing", `{cardinality: {rules: [{metrics: ["*"]}]}}`, []string{"token_ledger", "does nothing", "drop, keep"}},
	{"drop and keep", `{cardinality: {rules: [{metrics: ["*"], drop: [a], keep: [b]}]}}`, []string{"token_ledger", "drop", "keep", "use one of them"}},
	{"pattern of another tool", `{cardinality: {rules: [{metrics: ["claude_code.{a,b}"], drop: [a]}]}}`, []string{"token_ledger", "metrics has", "are patterns"}},
	{"no values", `{cardinality: {rules: [{metrics: ["*"], max_values: {skill.name: 0}}]}}`, []string{"token_ledger", "max_values", "skill.name", "from 1"}},
	{"unknown gauge", `{cardinality: {rules: [{metrics: ["*"], gauge: mean}]}}`, []string{"token_ledger", `gauge is "mean"`, "last"}},
	{"resource drop and keep", "{cardinality: {resource_attributes: {drop: [a], keep: [b]}}}", []string{"token_ledger", "resource_attributes", "use one of them"}},
	{"unknown sync", "{storage: {sync: always}}", []string{"token_ledger", "storage", `sync is "always"`, `"process" or "disk"`}},
	{"short sync", "{storage: {sync: 10ms}}", []string{"token_ledger", "storage", "sync is 10ms", "at least 1s"}},
	{"short retention", "{storage: {retention: 1m}}", []string{"token_ledger", "storage", "retention is 1m0s", "at least 1h0m0s"}},
	{"unknown source of prices", "{pricing: {source: logs}}", []string{"token_ledger", "pricing", `source is "logs"`, `"metrics" or "events"`}},
	{"unknown life of caches", "{pricing: {cache_writes: 2h}}", []string{"token_ledger", "pricing", `cache_writes is "2h"`, "a number from 0 to 1"}},
	{"more than all caches", `{pricing: {cache_writes: "1.5"}}`, []string{"token_ledger", "pricing", `cache_writes is "1.5"`, "a number from 0 to 1"}},
	{"short reload_interval", "{pricing: {reload_interval: 10ms}}", []string{"token_ledger", "pricing", "reload_interval is 10ms", "at least 1s"}},
	{"unknown beside_events", "{pricing: {beside_events: add}}", []string{"token_ledger", "pricing", `beside_events is "add"`, `"refuse" or "mark"`}},
	{"metadata key twice", "{metadata_keys: [Tenant, tenant]}", []string{"token_ledger", "metadata_keys", "Tenant", "remove one"}},
}

// TestBadConfiguration starts and validates configurations with one bad setting each. It guarantees that both refuse
// with an error that names the key and the remedy.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	for _, bad := range badSettings {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			setup := harness.Setup{Config: "processors: {token_ledger: " + bad.settings + "}"}
			output, code := harness.Validate(t, setup)
			assert.NotZero(t, code, "exit code of validate")
			collector := harness.Launch(t, setup)
			assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code of the start")
			for _, words := range bad.says {
				assert.Contains(t, output, words, "validate")
				assert.Contains(t, collector.Log(), words, "start")
			}
		})
	}
}

// TestGoodConfiguration validates the default configuration as it is and with every setting written out. It
// guarantees that the test above fails for the reason it names.
func TestGoodConfiguration(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"as it is": "",
		"all settings": `
processors:
  token_ledger:
    identity: prometheus
    prometheus: {promote_resource_attributes: [team.id], promote_all_resource_attributes: false, promote_scope_metadata: true}
    emit: each
    flush_interval: 10s
    emit_interval: 60s
    emit_max_streams: 20000
    max_stale: 24h
    max_lag: 5m
    first_value_delay: 0s
    retransmissions: recognise
    metadata_keys: [tenant]
    cardinality:
      max_streams: 1000000
      max_memory_mib: 256
      rules:
        - {metrics: ["claude_code.token.*", "claude_code.cost.usage"], drop: [session.id], max_values: {skill.name: 50}}
        - {metrics: ["agent.?auge"], keep: [model], gauge: max}
        - {preset: claude_code}
      resource_attributes: {drop: [host.arch]}
    storage: {directory: /nowhere, sync: 1s, snapshot_interval: 1m, retention: 9600h, usage: false}
    pricing: {source: metrics, file: /nowhere/prices.toml, reload_interval: 10s, cache_writes: "0.25", beside_events: mark}
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, code := harness.Validate(t, harness.Setup{Config: config})
			assert.Zero(t, code, output)
		})
	}
}

// TestValidateTouchesNoLedger validates the default configuration, and one whose ledger is in use. It guarantees that
// neither makes nor opens a file: `validate` may run elsewhere, or beside the collector.
func TestValidateTouchesNoLedger(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	output, code := harness.Validate(t, harness.Setup{State: state})
	assert.Zero(t, code, output)
	assert.NoDirExists(t, state)

	harness.StartCollector(t, harness.Setup{State: state})
	output, code = harness.Validate(t, harness.Setup{State: state})
	assert.Zero(t, code, output)
}

// TestLedgerBelongsToOne starts a collector beside one that uses the same directory, and one with its component in two
// metrics pipelines. It guarantees that both starts fail with an error that names the place and the remedy.
func TestLedgerBelongsToOne(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	harness.StartCollector(t, harness.Setup{State: state})
	for name, setup := range map[string]harness.Setup{
		"two collectors": {State: state},
		"two pipelines":  {Config: "service: {pipelines: {metrics/2: {receivers: [otlp], processors: [token_ledger], exporters: [debug]}}}"},
	} {
		collector := harness.Launch(t, setup)
		assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code with %s", name)
		for _, words := range []string{"cannot open the ledger of token_ledger", collector.Setup.State, "token_ledger/2"} {
			assert.Contains(t, collector.Log(), words, name)
		}
	}
}

// TestBusyPort starts a collector while something else listens on its ports, one port at a time. It guarantees that
// the start fails with an error that names the address.
func TestBusyPort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", net.JoinHostPort(harness.Loopback, "0"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	busy := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	for _, variable := range []string{
		"TOKENLEDGER_OTLP_GRPC_PORT", "TOKENLEDGER_OTLP_HTTP_PORT", "TOKENLEDGER_PROMETHEUS_PORT",
		"TOKENLEDGER_SELF_METRICS_PORT", "TOKENLEDGER_HEALTH_PORT",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			collector := harness.Launch(t, harness.Setup{Env: map[string]string{variable: busy}})
			assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
			assert.Contains(t, collector.Log(), harness.Loopback+":"+busy)
			assert.Contains(t, collector.Log(), "address already in use")
		})
	}
}

// TestUnwritableDirectory lets the file exporter, and the ledger, write to places where nobody can: below a file, and in a directory
// of the kernel. It guarantees that the start fails with an error that names the path.
func TestUnwritableDirectory(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"below a file":       "/proc/version/totals.json",
		"kernel's directory": "/sys/totals.json",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.Launch(t, harness.Setup{Config: `
exporters: {file: {path: ` + path + `}}
service: {pipelines: {metrics: {exporters: [file]}}}
`})
			assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
			assert.Contains(t, collector.Log(), path)
			assert.Regexp(t, "not a directory|permission denied|read-only file system", collector.Log())
		})
		t.Run("ledger "+name, func(t *testing.T) {
			t.Parallel()
			collector := harness.Launch(t, harness.Setup{State: path})
			assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
			assert.Contains(t, collector.Log(), "cannot open the ledger of token_ledger")
			assert.Contains(t, collector.Log(), path)
		})
	}
}
