//go:build image

package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// imageName is the image under test, as scripts/run-image-tests.sh loads it.
const imageName = "localhost/tokenledger/otelcol-tokenledger:latest"

// noise is what podman writes on a machine without systemd, where nobody calls health checks by themselves.
const noise = "systemd connection"

// podman runs podman and fails the test if it does.
func podman(tb testing.TB, arguments ...string) string {
	tb.Helper()
	out, err := try("podman", arguments...)
	require.NoError(tb, err, "podman %s\n%s", strings.Join(arguments, " "), out)
	return out
}

// try runs a program and returns what it wrote to both outputs.
func try(program string, arguments ...string) (string, error) {
	out, err := exec.Command(program, arguments...).CombinedOutput()
	var lines []string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, noise) {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "")), err
}

// container is a running one; it and its log are gone with the test.
type container struct {
	name string
}

// start runs the image with podman's options and the image's arguments in the background.
func start(tb testing.TB, options []string, arguments ...string) *container {
	tb.Helper()
	c := &container{name: fmt.Sprintf("c%d", time.Now().UnixNano())}
	all := append([]string{"run", "--detach", "--name", c.name}, options...)
	podman(tb, append(append(all, imageName), arguments...)...)
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("log of %s:\n%s", c.name, c.log())
		}
		_, _ = try("podman", "rm", "--force", "--time", "1", c.name)
	})
	return c
}

// log is everything the collector wrote.
func (c *container) log() string {
	out, _ := try("podman", "logs", c.name)
	return out
}

// probe is one call of the image's health check. It tells what the check wrote, from the container's own record.
func (c *container) probe(tb testing.TB) (healthy bool, said string) {
	tb.Helper()
	_, err := try("podman", "healthcheck", "run", c.name)
	var state struct {
		Log []struct{ Output string }
	}
	record := podman(tb, "inspect", c.name, "--format", "{{json .State.Health}}")
	require.NoError(tb, json.Unmarshal([]byte(record), &state), record)
	require.NotEmpty(tb, state.Log, "the image has no health check, or the container ended:\n%s", c.log())
	return err == nil, strings.TrimSpace(state.Log[len(state.Log)-1].Output)
}

// becomesHealthy waits until the health check agrees, and returns what it said.
func (c *container) becomesHealthy(tb testing.TB) string {
	tb.Helper()
	var said string
	harness.Eventually(tb, harness.Patience, "health of the container", func() error {
		if running := podman(tb, "inspect", c.name, "--format", "{{.State.Running}}"); running != "true" {
			tb.Fatalf("the container ended:\n%s", c.log())
		}
		healthy, words := c.probe(tb)
		if !healthy {
			return fmt.Errorf("it said: %s", words)
		}
		said = words
		return nil
	})
	return said
}

// stop sends SIGTERM, as container engines do, and returns how long the collector took. An engine kills after 10 s.
func (c *container) stop(tb testing.TB) time.Duration {
	tb.Helper()
	began := time.Now()
	podman(tb, "stop", "--time", "60", c.name)
	took := time.Since(began)
	require.Equal(tb, "0", podman(tb, "inspect", c.name, "--format", "{{.State.ExitCode}}"), "exit code\n%s", c.log())
	return took
}

// once runs the image until it ends and returns its output and exit code.
func once(options []string, arguments ...string) (output string, code int) {
	all := append([]string{"run", "--rm", "--network", "none"}, options...)
	command := exec.Command("podman", append(append(all, imageName), arguments...)...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	_ = command.Run()
	return out.String(), command.ProcessState.ExitCode()
}

// volume makes a named volume.
func volume(tb testing.TB) string {
	tb.Helper()
	name := podman(tb, "volume", "create")
	tb.Cleanup(func() { _, _ = try("podman", "volume", "rm", "--force", name) })
	return name
}

// publish are the options that publish ports on this box's loopback.
func publish(ports ...int) []string {
	var options []string
	for _, port := range ports {
		options = append(options, "--publish", fmt.Sprintf("127.0.0.1:%d:%d", port, port))
	}
	return options
}
