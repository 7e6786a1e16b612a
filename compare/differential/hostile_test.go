package differential

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile are points of exponential histograms that no class can hold, because contrib's processor does not come back
// from them. They are played through either processor alone.
var hostile = []struct {
	name    string
	windows []Window
	// contrib says what it does: it panics with this, or it takes that much longer than token_ledger.
	panics string
	slower float64
}{
	{
		name: "power_of_two_at_negative_scale",
		windows: []Window{
			sent(10, 20, withThreshold(0, exponentialValue(-1, 0, 1, 1)), ofExponential),
			sent(20, 30, withThreshold(2, exponentialValue(-1, 2, 1)), ofExponential),
		},
		panics: "negative shift amount",
	},
	{
		name: "thresholds_then_wide",
		windows: []Window{ // nothing here is a power of two or negative, but what contrib makes of it is
			sent(10, 20, withThreshold(0.7, exponentialValue(0, 0, 1)), ofExponential),
			sent(20, 30, withThreshold(0.3, exponentialValue(0, 0, manyOnes(161)...)), ofExponential),
			sent(30, 40, withThreshold(1, exponentialValue(0, 1, 1)), ofExponential),
		},
		panics: "negative shift amount",
	},
	{
		// With a threshold of 1e300 it is ten times as long; this one is in the same loop.
		name: "large_zero_threshold",
		windows: []Window{
			sent(10, 20, withThreshold(0, exponentialValue(20, 0, 1)), ofExponential),
			sent(20, 30, withThreshold(1e30, exponentialValue(20, 1, 1)), ofExponential),
		},
		slower: 20,
	},
}

// alone plays windows, a request each, through one processor without a faked clock, and tells how it ended.
func alone(t *testing.T, s *subject, windows []Window) (took time.Duration, panicked any) {
	t.Helper()
	defer func() { panicked = recover() }()
	began := time.Now()
	for _, w := range windows {
		request := Request{Windows: []Window{w}}
		require.NoError(t, s.ConsumeMetrics(t.Context(), request.metrics()))
		took = time.Since(began)
	}
	return took, nil
}

// Scenario: points that bring contrib's processor down or keep it busy. Guarantee: they still do, which is why no class
// of the random test has them; token_ledger takes each in little time and counts every observation.
func TestHostilePoints(t *testing.T) {
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			s := &Scenario{MaxStale: time.Hour, MaxStreams: 10}
			ours := startOurs(t, s)
			took, panicked := alone(t, ours, h.windows)
			require.Nil(t, panicked)
			require.NoError(t, ours.Shutdown(t.Context()))
			var sent []*Distribution
			for _, w := range h.windows {
				sent = append(sent, w.Value.Distribution)
			}
			assert.NoError(t, showsAll(sent, lastOf(ours.sink.record, exponentialExampleStream.key())))

			theirs, panicked := alone(t, startContrib(t, s), h.windows)
			if h.panics != "" {
				assert.ErrorContains(t, panicked.(error), h.panics)
				return
			}
			t.Logf("token_ledger %v, contrib %v", took, theirs)
			assert.Greater(t, theirs.Seconds(), h.slower*took.Seconds())
		})
	}
}

// lastOf is the total with the latest time.
func lastOf(r record, key string) *Distribution {
	var last *Output
	for _, d := range r {
		for _, output := range d.streams[key] {
			if last == nil || output.Time >= last.Time {
				last = &output
			}
		}
	}
	if last == nil {
		return &Distribution{Exponential: true}
	}
	return last.Value.Distribution
}

// Scenario: docs/differences.md. Guarantee: it lists the hostile points, and says which of them contrib panics at.
func TestDocumentedHostilePoints(t *testing.T) {
	text, err := os.ReadFile("../../docs/differences.md")
	require.NoError(t, err)
	for _, h := range hostile {
		found := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| `"+h.name+"` |") {
				found = true
				assert.Equal(t, h.panics != "", strings.Contains(line, "panics"), line)
			}
		}
		assert.True(t, found, h.name)
	}
}
