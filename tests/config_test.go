package tests

import (
	"net"
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
	{"identity to come", "{identity: prometheus}", []string{"token_ledger", `identity is "prometheus"`, `use "otlp"`}},
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
    identity: otlp
    emit: interval
    flush_interval: 10s
    max_stale: 24h
    max_lag: 5m
    first_value_delay: 0s
    retransmissions: recognise
    metadata_keys: [tenant]
    cardinality: {max_streams: 1000000}
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, code := harness.Validate(t, harness.Setup{Config: config})
			assert.Zero(t, code, output)
		})
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

// TestUnwritableDirectory lets the file exporter write to places where nobody can: below a file, and in a directory
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
	}
}
