package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// readyConfigurations are the files of collector-config.
func readyConfigurations(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(harness.DefaultConfig(harness.MustRoot(t))), "*.yaml"))
	require.NoError(t, err)
	require.Contains(t, files, harness.DefaultConfig(harness.MustRoot(t)))
	return files
}

// suggestedRules is the line of trimming that a ready configuration has as a comment.
func suggestedRules(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(harness.DefaultConfig(harness.MustRoot(t))), file))
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^ *# (cardinality: .*)$`).FindSubmatch(text)
	require.NotNil(t, found, "a comment that begins with cardinality in %s", file)
	return string(found[1])
}

// Scenario: every ready configuration, as it is and with the trimming that it suggests.
// Guarantee: the collector takes it.
func TestReadyConfigurations(t *testing.T) {
	t.Parallel()
	for _, file := range readyConfigurations(t) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, config := range []string{"", "processors: {token_ledger: {" + suggestedRules(t, name) + "}}"} {
				output, code := harness.Validate(t, harness.Setup{Base: name, Config: config})
				assert.Zero(t, code, output)
			}
		})
	}
}

// badConnectorSettings are settings of the connector that cannot work, with what the message has to name.
var badConnectorSettings = map[string]struct {
	settings string
	says     []string
}{
	"secret as a label":      {"{attributes: [prompt]}", []string{`attributes has "prompt"`, "remove it"}},
	"attribute twice":        {"{attributes: [session.id, session.id]}", []string{`"session.id" twice`, "remove one"}},
	"window of nothing":      {"{deduplication: {window: 0s}}", []string{"deduplication", "window is 0s", "at least 1s"}},
	"memory for no request":  {"{deduplication: {max_requests: 0}}", []string{"deduplication", "max_requests is 0", "from 1"}},
	"unknown life of caches": {"{pricing: {cache_writes: long}}", []string{"pricing", `cache_writes is "long"`, "a number from 0 to 1"}},
	"unknown key":            {"{pricing: {source: events}}", []string{"pricing", "source"}},
}

// Scenario: settings of the connector with one mistake each.
// Guarantee: validate and the start refuse, with an error that names key and remedy.
func TestBadConnectorConfiguration(t *testing.T) {
	t.Parallel()
	for name, bad := range badConnectorSettings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := harness.Setup{Base: fromEvents, Config: "connectors: {token_ledger: " + bad.settings + "}"}
			output, code := harness.Validate(t, setup)
			assert.NotZero(t, code, "exit code of validate")
			collector := harness.Launch(t, setup)
			assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code of the start")
			for _, words := range append(bad.says, "connectors", "token_ledger") {
				assert.Contains(t, output, words, "validate")
				assert.Contains(t, collector.Log(), words, "start")
			}
		})
	}
}
