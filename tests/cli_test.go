package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestHealth asks for the health of a collector while it runs and after it has ended. It guarantees the exit codes
// that a container's health check needs: 0 and 1.
func TestHealth(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{})
	output, code := collector.Command(t, "health")
	assert.Zero(t, code, output)
	assert.True(t, strings.HasPrefix(output, "healthy"), output)

	collector.Stop(t, gracePeriod)
	output, code = collector.Command(t, "health")
	assert.Equal(t, 1, code, output)
	assert.Contains(t, output, "not healthy")
}

// TestHealthTellsOfData asks before any data, after metrics only, and after all signals. It guarantees that a new user
// sees for each signal whether it arrives, and the usual causes as long as one does not.
func TestHealthTellsOfData(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{})
	client := collector.Client(t, harness.GRPC)
	c := load(t, "2.1.329", capture.Protobuf, "health")
	received := func() (map[string]bool, string) {
		output, code := collector.Command(t, "health", "--data", "--json")
		require.Zero(t, code, output)
		text, code := collector.Command(t, "health", "--data")
		require.Zero(t, code, text)
		return receivedSignals(t, output), text
	}

	signals, text := received()
	assert.Equal(t, map[string]bool{"metrics": false, "logs": false, "traces": false}, signals)
	for _, cause := range []string{"Usual causes", "restarted", "interval", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"} {
		assert.Contains(t, text, cause)
	}
	require.NoError(t, client.Send(t.Context(), c.Of(capture.Metrics)[0]))
	signals, text = received()
	assert.Equal(t, map[string]bool{"metrics": true, "logs": false, "traces": false}, signals)
	assert.NotContains(t, text, "OTEL_METRICS_EXPORTER")
	assert.Contains(t, text, "OTEL_LOGS_EXPORTER")

	require.NoError(t, client.SendAll(t.Context(), c.Requests))
	signals, text = received()
	assert.Equal(t, map[string]bool{"metrics": true, "logs": true, "traces": true}, signals)
	assert.NotContains(t, text, "Usual causes")
	for _, signal := range []string{"metrics", "logs", "traces"} {
		assert.Equal(t, 1, strings.Count(collector.Log(), "first "+signal+" received"), "log lines of the first %s", signal)
	}
}

// receivedSignals reads the answer of `health --data --json`.
func receivedSignals(t *testing.T, output string) map[string]bool {
	t.Helper()
	var answer struct {
		Healthy bool
		Signals []struct {
			Signal string
			Age    *float64 `json:"age_seconds"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(output), &answer), output)
	require.True(t, answer.Healthy)
	out := map[string]bool{}
	for _, signal := range answer.Signals {
		out[signal.Signal] = signal.Age != nil
		if signal.Age != nil {
			require.Less(t, *signal.Age, harness.Patience.Seconds())
		}
	}
	return out
}

// TestReplay replays each capture with the command line, as recorded and with times shifted to now. It guarantees
// that the page then shows the truth.
func TestReplay(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]string{
		"as recorded":     {"--fast"},
		"shifted to now":  {"--fast", "--shift-to-now"},
		"at real spacing": {"--shift-to-now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{})
			replayed := loadAll(t)
			if name == "at real spacing" {
				replayed = replayed[:1] // twelve seconds for each capture
			}
			for _, c := range replayed {
				output, code := collector.Command(t, append([]string{"replay", captureDirectory(t, c)}, options...)...)
				require.Zero(t, code, output)
			}
			collector.Settle(t)
			page := collector.Page(t)
			for _, c := range replayed {
				requireTruth(t, page, c)
			}
		})
	}
}

// captureDirectory is where a capture was read from.
func captureDirectory(t *testing.T, c capture.Capture) string {
	t.Helper()
	version, encoding, found := strings.Cut(c.Name, "-")
	require.True(t, found)
	return filepath.Join(harness.MustRoot(t), "tests", "data", "captures", "claude-code-"+version, "two-sessions-"+encoding)
}

// TestDemo runs the demonstration on every capture, and on one whose truth was changed. It guarantees a table of
// tokens and costs per session without a difference, with what the collector computed beside what the client reports,
// and that the command would tell a difference.
func TestDemo(t *testing.T) {
	t.Parallel()
	program := harness.CommandBinary(harness.MustRoot(t))
	for _, c := range loadAll(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			output, code := harness.Run(t, 2*harness.Patience, program, "demo", "--fast", "--captures", captureDirectory(t, c))
			require.Zero(t, code, output)
			for _, session := range c.Sessions {
				assert.Contains(t, output, session.ID)
				assert.Contains(t, output, fmt.Sprintf("%.9f", session.Cost))
				assert.Regexp(t, fmt.Sprintf("(?m)^  at list price +%.9f$", session.Cost-hourPremium(session)), output)
			}
			assert.Contains(t, output, "an estimate and not a bill")
			assert.Contains(t, output, "154320")
			assert.Contains(t, output, "all 10 totals are exact")
		})
	}
	t.Run("changed truth", func(t *testing.T) {
		t.Parallel()
		output, code := harness.Run(t, 2*harness.Patience, program, "demo", "--fast", "--time-limit", "3", "--captures", withChangedTruth(t))
		assert.Equal(t, 1, code, output)
		assert.Contains(t, output, "2 of 10 totals differ")
	})
}

// withChangedTruth copies a capture and claims one more cached token for each session.
func withChangedTruth(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(captureDirectory(t, capture.Capture{Name: "2.1.329-json"}))))
	file := filepath.Join(dir, "truth.json")
	truth, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := strings.ReplaceAll(string(truth), "154320", "154321")
	require.NotEqual(t, string(truth), changed)
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))
	return dir
}
