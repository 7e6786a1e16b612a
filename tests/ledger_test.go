package tests

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/workload"
)

// keeping are the settings of a ledger in the test's own directory, and more of them.
func keeping(more string) string {
	return "storage: {directory: '${env:TOKENLEDGER_STATE_DIR}', " + more + "}"
}

// ledgerTrimmed are the attributes that a trimming rule of these tests drops.
var ledgerTrimmed = append([]string{"sender"}, trimmed...)

// ledgerRules is that rule.
func ledgerRules() string {
	return fmt.Sprintf(`cardinality: {rules: [{metrics: ["agent.*", "claude_code.*"], drop: [%s]}]}`, strings.Join(ledgerTrimmed, ", "))
}

// pageConfig shows totals on the page at once.
func pageConfig(settings ...string) string {
	return fmt.Sprintf(`
processors:
  token_ledger: {identity: prometheus, prometheus: {promote_scope_metadata: false}, emit: each, %s}
exporters:
  prometheus: {without_scope_info: true, resource_to_telemetry_conversion: {enabled: false}}
`, strings.Join(settings, ", "))
}

// watchConfig pushes totals to a watch, one request after the other.
func watchConfig(watch *harness.Watch, settings ...string) string {
	return fmt.Sprintf(`
processors:
  token_ledger: {identity: prometheus, prometheus: {promote_scope_metadata: false}, emit: interval, flush_interval: 200ms, %s}
exporters:
  otlp_http: {endpoint: %q, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service: {pipelines: {metrics: {exporters: [otlp_http]}}}
`, strings.Join(settings, ", "), watch.URL)
}

// filesOf are the ledger's files of the processor of the default configuration.
func filesOf(collector *harness.Collector) string {
	return filepath.Join(collector.Setup.State, "token_ledger")
}

// showsAll waits until the page shows what the load, which must be paused or finished, explains.
func showsAll(t *testing.T, collector *harness.Collector, l *workload.Load, without ...string) {
	t.Helper()
	harness.Eventually(t, harness.Patience, "totals on the page", func() error {
		shown, err := harness.FetchShown(collector.PageURL())
		if err != nil {
			return err
		}
		return l.Explain(shown.Totals, without...)
	})
}

// mixedSources are recorded sessions of both client versions and generated agents.
func mixedSources(t *testing.T, seed uint64, trimmed []string) []workload.Source {
	t.Helper()
	var out []workload.Source
	for i, version := range capture.Versions {
		for j, encoding := range []capture.Encoding{capture.JSON, capture.Protobuf} {
			c := load(t, version, encoding, fmt.Sprint("mixed ", seed))
			out = append(out, workload.Captured(t, c, trimmed), workload.Generated(seed+uint64(2*i+j), fmt.Sprintf("agent %d", 2*i+j), trimmed))
		}
	}
	return out
}
