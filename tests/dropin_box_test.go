package tests

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// otlpToPage is how most configurations in the field begin and end: OTLP in, a page for Prometheus out.
const otlpToPage = `
receivers:
  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "0.0.0.0:4318"}}}
exporters:
  prometheus: {endpoint: "0.0.0.0:8889"}
`

// writeConfig writes a configuration into a file of the test.
func writeConfig(t *testing.T, parts ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(parts, "\n")), 0o600))
	return file
}

// atOnce is the environment of tests that read the page: values are not held back.
func atOnce(further ...string) map[string]string {
	out := map[string]string{"TOKENLEDGER_FIRST_VALUE_DELAY": "0s"}
	for _, setting := range further {
		name, value, _ := strings.Cut(setting, "=")
		out[name] = value
	}
	return out
}

// startInBox starts the product in a box of its own with configuration files as they are.
func startInBox(t *testing.T, environment map[string]string, files ...string) *harness.Collector {
	t.Helper()
	return harness.StartBox(t, stackHosts...).StartCollector(t, harness.BoxedSetup{
		Binary: product(t), Arguments: configArguments(files...), Env: environment,
	})
}

func configArguments(files ...string) []string {
	var out []string
	for _, file := range files {
		out = append(out, "--config", file)
	}
	return out
}

// recorder is an HTTP server of a foreign kind: it keeps bodies as they come.
type recorder struct {
	mu     sync.Mutex
	bodies []string
}

// startRecorder serves on a listener until the test ends.
func startRecorder(t *testing.T, listener net.Listener) *recorder {
	t.Helper()
	r := &recorder{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies = append(r.bodies, string(body))
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return r
}

// sorted are the bodies so far; several connections deliver them in any order.
func (r *recorder) sorted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.bodies))
}

// waitForBodies waits until there are as many as were sent.
func (r *recorder) waitForBodies(t *testing.T, count int) []string {
	t.Helper()
	harness.Eventually(t, harness.Patience, "requests at the foreign server", func() error {
		if got := len(r.sorted()); got != count {
			return fmt.Errorf("%d of %d", got, count)
		}
		return nil
	})
	return r.sorted()
}
