//go:build image

package image

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// stack is a compose file in a folder of its own with the files that it mounts.
type stack struct {
	folder string
}

// newStack copies files (place below the folder, by source) into a new folder; a source that is empty is an empty file.
func newStack(tb testing.TB, files map[string]string) *stack {
	tb.Helper()
	s := &stack{folder: tb.TempDir()}
	require.NoError(tb, os.Chmod(s.folder, 0o755))
	for place, source := range files {
		var text []byte
		if source != "" {
			var err error
			text, err = os.ReadFile(source)
			require.NoError(tb, err)
		}
		s.write(tb, place, text)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			out, _ := s.compose("logs")
			tb.Logf("logs of the stack:\n%s", out)
		}
		_, _ = s.compose("down", "--volumes", "--timeout", "1")
		_, _ = try("podman", "rm", "--all", "--force", "--time", "1")
	})
	return s
}

func (s *stack) write(tb testing.TB, place string, text []byte) {
	tb.Helper()
	path := filepath.Join(s.folder, place)
	require.NoError(tb, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(tb, os.WriteFile(path, text, 0o644))
}

// makeFolders makes the folders that services mount, writable for all of them: who owns them is not the question here.
func (s *stack) makeFolders(tb testing.TB, places ...string) {
	tb.Helper()
	for _, place := range places {
		require.NoError(tb, os.MkdirAll(filepath.Join(s.folder, place), 0o755))
		require.NoError(tb, os.Chmod(filepath.Join(s.folder, place), 0o777))
	}
}

const composeFile = "docker-compose.yml"

func (s *stack) compose(arguments ...string) (string, error) {
	return try("podman-compose", append([]string{"--file", filepath.Join(s.folder, composeFile)}, arguments...)...)
}

// upInOrder starts the services one after the other, each when those are healthy of which it demands that, as compose
// does it. podman before 4.6 leaves out these conditions, so that a plain `up` would prove nothing.
func (s *stack) upInOrder(tb testing.TB) error {
	tb.Helper()
	services := s.services(tb)
	started := map[string]bool{}
	for len(started) < len(services) {
		before := len(started)
		for name, service := range services {
			if started[name] || !service.mayStart(started) {
				continue
			}
			for other, condition := range service.DependsOn {
				if condition.Condition == "service_healthy" {
					if err := s.awaitHealth(tb, other); err != nil {
						return fmt.Errorf("%s waits for %s: %w", name, other, err)
					}
				}
			}
			out, err := s.compose("up", "--detach", "--no-deps", name)
			require.NoError(tb, err, out)
			started[name] = true
		}
		require.Greater(tb, len(started), before, "services wait for one another")
	}
	return nil
}

// service is what matters here of one in a compose file.
type service struct {
	DependsOn dependencies `yaml:"depends_on"`
}

// dependencies are the services that one waits for, with the condition.
type dependencies map[string]struct{ Condition string }

// UnmarshalYAML reads both spellings: a list of names, for which being started is enough, and a map.
func (d *dependencies) UnmarshalYAML(node *yaml.Node) error {
	*d = dependencies{}
	if node.Kind != yaml.SequenceNode {
		return node.Decode((*map[string]struct{ Condition string })(d))
	}
	var names []string
	err := node.Decode(&names)
	for _, name := range names {
		(*d)[name] = struct{ Condition string }{}
	}
	return err
}

func (s service) mayStart(started map[string]bool) bool {
	for other := range s.DependsOn {
		if !started[other] {
			return false
		}
	}
	return true
}

func (s *stack) services(tb testing.TB) map[string]service {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, composeFile))
	require.NoError(tb, err)
	var file struct{ Services map[string]service }
	require.NoError(tb, yaml.Unmarshal(text, &file))
	return file.Services
}

// awaitHealth calls a service's health check until it agrees, for ten seconds and at least as often as it may fail.
func (s *stack) awaitHealth(tb testing.TB, name string) error {
	tb.Helper()
	id, err := s.container(name)
	if err != nil {
		return err
	}
	for tries := 40; ; tries-- {
		out, err := try("podman", "healthcheck", "run", id)
		if err == nil {
			return nil
		}
		if tries == 0 {
			return fmt.Errorf("not healthy: %s", out)
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// container is the one of a service.
func (s *stack) container(service string) (string, error) {
	id, err := try("podman", "ps", "--quiet", "--filter", "label=com.docker.compose.service="+service)
	if err != nil || id == "" {
		return "", fmt.Errorf("no container of %s runs: %s", service, id)
	}
	return id, nil
}

// allUsageOfTokens is the counter of tokens in every spelling in use: with and without namespace, unit and suffix.
const allUsageOfTokens = `sum({__name__=~"(claude_code_)?claude_code_token_usage(_tokens)?(_total)?"})`

// requireTotalIn waits until the stack's own Prometheus, asked at its published port, has the total.
func requireTotalIn(tb testing.TB, query string, want float64) {
	tb.Helper()
	// A first value waits for 75 s where the scrape interval is unknown, and then for a scrape.
	harness.Eventually(tb, 4*time.Minute, "the total in Prometheus", func() error {
		got, err := prometheusValue(query)
		if err == nil && got != want {
			err = fmt.Errorf("%v instead of %v", got, want)
		}
		return err
	})
}

// prometheusValue is the value of a query that gives a single series.
func prometheusValue(query string) (float64, error) {
	answer, err := http.Get("http://127.0.0.1:9090/api/v1/query?" + url.Values{"query": {query}}.Encode())
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var body struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return 0, err
	}
	if len(body.Data.Result) != 1 {
		return 0, fmt.Errorf("%d series", len(body.Data.Result))
	}
	return strconv.ParseFloat(fmt.Sprint(body.Data.Result[0].Value[1]), 64)
}

// ownStack is the one of this repository, which waits for health.
func ownStack(tb testing.TB) *stack {
	tb.Helper()
	s := newStack(tb, map[string]string{
		composeFile:      "testdata/stack/docker-compose.yml",
		"collector.yaml": "testdata/stack/collector.yaml",
		"prometheus.yml": "testdata/stack/prometheus.yml",
	})
	return s
}

// TestStackThatWaitsForHealth starts a stack of which each service waits until the one before is healthy, and sends a
// recording to the published port. It guarantees that everything starts and that its Prometheus has the exact total.
func TestStackThatWaitsForHealth(t *testing.T) {
	s := ownStack(t)
	require.NoError(t, s.upInOrder(t))
	session := recording(t)
	sendEverything(t, session)
	requireTotalIn(t, allUsageOfTokens, tokens(t, session))
}

// TestStackWithoutHealthCheck starts the same with an image that has no health check, like the stock images. It guarantees
// that the stack then does not start, so that the test above proves something.
func TestStackWithoutHealthCheck(t *testing.T) {
	s := ownStack(t)
	s.replaceCollector(t, "localhost/standin/unchecked:latest")
	err := s.upInOrder(t)
	require.ErrorContains(t, err, "prometheus waits for otel-collector")
}

// replaceCollector changes the one line of the compose file that users change.
func (s *stack) replaceCollector(tb testing.TB, image string) {
	tb.Helper()
	path := filepath.Join(s.folder, composeFile)
	text, err := os.ReadFile(path)
	require.NoError(tb, err)
	changed := 0
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		if before, _, found := strings.Cut(line, "image: otel/"); found {
			line = before + "image: " + image + "\n"
			changed++
		}
		out.WriteString(line)
	}
	assert.Equal(tb, 1, changed, "lines that name a collector's image")
	require.NoError(tb, os.WriteFile(path, []byte(out.String()), 0o644))
}
