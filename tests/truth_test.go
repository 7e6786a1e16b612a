package tests

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// costTolerance is how exact costs have to be, in US dollars (design section 9).
const costTolerance = 1e-9

// loadAll reads all captures.
func loadAll(tb testing.TB) []capture.Capture {
	tb.Helper()
	var out []capture.Capture
	for _, version := range capture.Versions {
		for _, encoding := range []capture.Encoding{capture.JSON, capture.Protobuf} {
			out = append(out, capture.Load(tb, harness.MustRoot(tb), version, encoding))
		}
	}
	return out
}

// load reads one capture and renames its sessions.
func load(tb testing.TB, version string, encoding capture.Encoding, label string) capture.Capture {
	tb.Helper()
	return capture.Load(tb, harness.MustRoot(tb), version, encoding).Renamed(label)
}

// requireTruth checks that a page shows the sessions of a capture exactly: tokens and costs as the script of the
// recording made them, and every series as the sum of its deltas, with no series too many.
func requireTruth(tb testing.TB, page harness.Page, c capture.Capture) {
	tb.Helper()
	for _, session := range c.Sessions {
		require.Len(tb, session.Tokens, 4, "truth.json has four types of tokens")
		for kind, tokens := range session.Tokens {
			got := page.Sum("claude_code_token_usage", "session_id", session.ID, "model", session.Model, "type", kind)
			assert.Equal(tb, tokens, got, "%s tokens of %s", kind, session.ID)
		}
		cost := page.Sum("claude_code_cost_usage", "session_id", session.ID, "model", session.Model)
		assert.InDelta(tb, session.Cost, cost, costTolerance, "cost of %s", session.ID)
	}
	shown, err := page.Totals(c.Sessions)
	require.NoError(tb, err)
	require.NoError(tb, sameTotals(c.Totals(tb), shown))
}

// sameTotals lists all differences between what is expected and what is shown.
func sameTotals(want, got capture.Totals) error {
	var differences []string
	for key, value := range want {
		if shown, found := got[key]; !found {
			differences = append(differences, fmt.Sprintf("missing, should be %v: %s", value, key))
		} else if !sameValue(key, value, shown) {
			differences = append(differences, fmt.Sprintf("%v, should be %v: %s", shown, value, key))
		}
	}
	for key, value := range got {
		if _, expected := want[key]; !expected {
			differences = append(differences, fmt.Sprintf("%v, should not be there: %s", value, key))
		}
	}
	if len(differences) == 0 {
		return nil
	}
	slices.Sort(differences)
	shown := differences[:min(len(differences), 8)]
	return fmt.Errorf("%d of %d series differ:\n%s", len(differences), len(want), strings.Join(shown, "\n"))
}

// sameValue compares counts exactly, and dollars and seconds, which have decimals, to 1e-9.
func sameValue(key string, want, got float64) bool {
	if strings.Contains(key, "_cost_usage") || strings.Contains(key, "_active_time") {
		return math.Abs(want-got) <= costTolerance
	}
	return want == got
}
