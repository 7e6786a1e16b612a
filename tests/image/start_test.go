//go:build image

package image

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestDefaultConfiguration starts the image without any setting. It guarantees that the ready configuration runs and is
// reached from outside, and that the health check is its health_check extension.
func TestDefaultConfiguration(t *testing.T) {
	c := start(t, publish(8889, 8888, 13133))
	assert.Contains(t, c.becomesHealthy(t), "http://127.0.0.1:13133/")
	for _, url := range []string{"http://127.0.0.1:13133/", "http://127.0.0.1:8889/metrics", "http://127.0.0.1:8888/metrics"} {
		requireAnswers(t, url)
	}
}

// mountedPort is the page of testdata/mounted.yaml, which no configuration of the image uses.
const mountedPort = 9464

// TestUsersConfiguration gives a user's file to the image in every way that compose files and charts of the stock images
// know. It guarantees that this file runs, and nothing of the image's own beside it.
func TestUsersConfiguration(t *testing.T) {
	file := testdata(t, "mounted.yaml")
	folder := t.TempDir()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "config.yaml"), text, 0o644))

	for _, way := range []struct {
		name      string
		mount     string
		options   []string
		arguments []string
	}{
		{name: "over core's default file", mount: file + ":/etc/otelcol/config.yaml:ro"},
		{name: "over contrib's default file", mount: file + ":/etc/otelcol-contrib/config.yaml"},
		{name: "over our own default file", mount: file + ":/etc/otelcol-tokenledger/config.yaml"},
		{name: "over core's folder", mount: folder + ":/etc/otelcol:ro"},
		{name: "over contrib's folder", mount: folder + ":/etc/otelcol-contrib:ro"},
		{name: "anywhere, one argument", mount: file + ":/etc/otel-collector-config.yml", arguments: []string{"--config=/etc/otel-collector-config.yml"}},
		{name: "anywhere, two arguments", mount: file + ":/etc/otel/collector-config.yaml", arguments: []string{"--config", "/etc/otel/collector-config.yaml"}},
		{name: "contrib's program by name", mount: file + ":/c.yaml", options: []string{"--entrypoint", "/otelcol-contrib"}, arguments: []string{"--config=/c.yaml"}},
		{name: "core's program by name", mount: file + ":/c.yaml", options: []string{"--entrypoint", "/otelcol"}, arguments: []string{"--config=/c.yaml"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			options := append(publish(mountedPort), "--volume", way.mount)
			c := start(t, append(options, way.options...), way.arguments...)
			said := c.becomesHealthy(t)
			assert.Contains(t, said, "OTLP", "the health of a configuration without health check")
			requireAnswers(t, "http://127.0.0.1:9464/metrics")
			assert.NotContains(t, c.log(), "13133", "something of the default configuration runs too")
			assert.Contains(t, podman(t, "exec", c.name, "/tokenledger", "health", "--data"), "metrics  nothing received yet")
			c.stop(t)
		})
	}
}

// TestValidate asks the image to validate, as a Makefile in the field does. It guarantees the exit code, and that a fault
// is named.
func TestValidate(t *testing.T) {
	output, code := once([]string{"--volume", testdata(t, "mounted.yaml") + ":/c.yaml:ro"}, "validate", "--config=/c.yaml")
	assert.Zero(t, code, output)
	output, code = once([]string{"--volume", testdata(t, "broken.yaml") + ":/c.yaml:ro"}, "validate", "--config=/c.yaml")
	assert.NotZero(t, code, output)
	assert.Contains(t, output, "no_such_exporter")
}

// TestHealthCheck puts the collector into situations in which nobody tells the health check where to ask: another port and
// path, another user, not the first process. It guarantees that it agrees, and leaves no complaint in the collector's log.
func TestHealthCheck(t *testing.T) {
	elsewhere := "--volume=" + testdata(t, "health_elsewhere.yaml") + ":/c.yaml:ro"
	plain := "--volume=" + testdata(t, "mounted.yaml") + ":/c.yaml:ro"
	for _, situation := range []struct {
		name    string
		options []string
		says    string
	}{
		{"health check elsewhere", []string{elsewhere}, "http://127.0.0.1:14444/of/this/collector"},
		{"no health check", []string{plain}, "answers as OTLP over "},
		{"root", []string{elsewhere, "--user=0"}, "http://127.0.0.1:14444/of/this/collector"},
		{"another user", []string{elsewhere, "--user=4711:4711"}, "http://127.0.0.1:14444/of/this/collector"},
		{"not the first process", []string{plain, "--init", "--init-path=/usr/bin/catatonit"}, "(process 2): "},
	} {
		t.Run(situation.name, func(t *testing.T) {
			c := start(t, situation.options, "--config=/c.yaml")
			assert.Contains(t, c.becomesHealthy(t), situation.says)
			for range 3 {
				healthy, said := c.probe(t)
				assert.True(t, healthy, said)
			}
			for _, complaint := range []string{"bogus greeting", "handshake", "\twarn\tgrpc"} {
				assert.NotContains(t, c.log(), complaint)
			}
		})
	}
}

// TestHealthCheckOfAHangingCollector stops the process without ending it, so that the kernel goes on taking connections.
// It guarantees that this counts as unhealthy, and that it ends when the process goes on.
func TestHealthCheckOfAHangingCollector(t *testing.T) {
	for _, file := range []string{"mounted.yaml", "health_elsewhere.yaml"} {
		c := start(t, []string{"--volume", testdata(t, file) + ":/c.yaml:ro"}, "--config=/c.yaml")
		c.becomesHealthy(t)
		podman(t, "kill", "--signal", "STOP", c.name)
		began := time.Now()
		healthy, said := c.probe(t)
		assert.False(t, healthy, said)
		assert.Contains(t, said, "does not answer", file)
		assert.Less(t, time.Since(began), 10*time.Second, "the image's time limit would say nothing of the cause")
		podman(t, "kill", "--signal", "CONT", c.name)
		c.becomesHealthy(t)
	}
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	require.NoError(t, err)
	return path
}

func requireAnswers(t *testing.T, url string) {
	t.Helper()
	harness.Eventually(t, harness.Patience, url, func() error {
		answer, err := http.Get(url)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return &harness.StatusError{Code: answer.StatusCode}
		}
		return nil
	})
}

// lines counts the lines of a log that contain all parts.
func lines(log string, parts ...string) int {
	count := 0
	for line := range strings.Lines(log) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			count++
		}
	}
	return count
}
