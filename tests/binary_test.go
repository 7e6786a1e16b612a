package tests

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestCollectorIsStatic reads the headers of the binary and asks ldd. It guarantees that it needs neither a loader
// nor a library of the machine it runs on.
func TestCollectorIsStatic(t *testing.T) {
	t.Parallel()
	root := harness.MustRoot(t)
	file, err := elf.Open(harness.CollectorBinary(root))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	for _, segment := range file.Progs {
		assert.NotEqual(t, elf.PT_INTERP, segment.Type, "a loader is asked for")
	}
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries)

	output, code := harness.Run(t, harness.Patience, "ldd", harness.CollectorBinary(root))
	assert.NotZero(t, code, "ldd lists nothing")
	assert.Contains(t, output, "not a dynamic executable")
}

// TestRunsInAnEmptyRoot runs the collector in a directory that holds itself and its configuration only. It guarantees
// exact totals there, as in an image made from scratch.
func TestRunsInAnEmptyRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("changing the root directory needs root")
	}
	for name, host := range map[string]string{"host given": harness.Loopback, "default host": harness.Unset} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{
				Chroot: t.TempDir(),
				Env:    map[string]string{"TOKENLEDGER_HOST": host},
			})
			sendAndCheck(t, collector, load(t, "2.1.329", capture.Protobuf, "empty root"))
			assert.Zero(t, collector.Stop(t, gracePeriod), "exit code")
		})
	}
}

// TestComponents asks the binary what it consists of. It guarantees the parts that configurations in the field use, that
// the default configuration and the documentation name, and the aliases of parts that were renamed.
func TestComponents(t *testing.T) {
	t.Parallel()
	output, code := harness.Run(t, harness.Patience, harness.CollectorBinary(harness.MustRoot(t)), "components")
	require.Zero(t, code)
	for _, part := range []string{
		"otlp", "kafka", // receivers and exporters
		"attributes", "batch", "delta_to_cumulative", "filter", "groupbyattrs", "interval", "memory_limiter", "metrics_transform",
		"prometheus_labels", "redaction", "resource", "token_ledger", "transform",
		"debug", "file", "load_balancing", "loki", "nop", "otlp_grpc", "otlp_http", "prometheus", "prometheus_remote_write",
		"count", "forward", "routing",
		"basicauth", "bearertokenauth", "file_storage", "headers_setter", "health_check", "oidc", "pprof", "sigv4auth", "zpages",
	} {
		assert.Contains(t, output, "name: "+part+"\n", "%s", part)
	}
	for _, provider := range []string{"env", "file", "http", "https", "yaml"} {
		assert.Contains(t, output, "scheme: "+provider+"\n", "%s", provider)
	}
	assert.Contains(t, output, "go-shim", "the converter")
}

// TestLibraryExports lists the global symbols of the engine's library with nm. It guarantees that all of ours begin
// with tl_, so that two Rust libraries can be linked into one binary.
func TestLibraryExports(t *testing.T) {
	t.Parallel()
	pattern := filepath.Join(harness.MustRoot(t), "go-shim", "internal", "engine", "lib", "*", "libtokenledger.a")
	libraries, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, libraries, "`make build` makes %s", pattern)
	for _, library := range libraries {
		output, err := exec.Command("nm", "--extern-only", "--defined-only", library).Output()
		require.NoError(t, err)
		symbols := 0
		for line := range strings.Lines(string(output)) {
			if fields := strings.Fields(line); len(fields) == 3 {
				symbols++
				assert.True(t, strings.HasPrefix(fields[2], "tl_"), "%s exports %s", library, fields[2])
			}
		}
		assert.Positive(t, symbols, "%s exports nothing", library)
	}
}
