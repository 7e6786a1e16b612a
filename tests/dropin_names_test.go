package tests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// stems are Claude Code's metrics as Prometheus writes them, without unit and suffix, and the word of the unit.
var stems = map[string]string{
	"session_count": "", "lines_of_code_count": "", "pull_request_count": "", "commit_count": "",
	"cost_usage": "USD", "token_usage": "tokens", "code_edit_tool_decision": "", "active_time": "seconds",
}

// familyNames lists the names of a metric in all families of TOKEN_LEDGER_NAMES, spelt out here once more on purpose:
// this is what dashboards in the field ask for.
func familyNames(stem, unit string) []string {
	canonical := "claude_code_" + stem + "_total"
	if unit != "" {
		canonical = "claude_code_" + stem + "_" + unit + "_total"
	}
	names := []string{canonical, "claude_code_" + canonical, "otel_" + canonical, "claude_code_" + stem + "_total"}
	if stem == "active_time" {
		return append(names, "claude_code_active_time_total_total", "claude_code_active_time_total_seconds")
	}
	return append(names, "claude_code_"+stem)
}

// named returns the series of exactly that name, by their labels.
func named(page harness.Page, name string) map[string]float64 {
	found := map[string]float64{}
	for _, series := range page {
		if series.Name == name {
			found[capture.Key("", series.Labels)] += series.Value
		}
	}
	return found
}

func sum(series map[string]float64) float64 {
	var sum float64
	for _, value := range series {
		sum += value
	}
	return sum
}

// TestNamesOfAllFamilies asks for all families in front of exporters that name metrics in different ways, and sends a
// capture. It guarantees that each name which dashboards in the field ask for shows the same series with the same totals
// as the names that were there, that other metrics show once and as before, and that nothing is logged as a fault.
func TestNamesOfAllFamilies(t *testing.T) {
	t.Parallel()
	for name, exporter := range map[string]struct{ settings, prefix string }{
		"default":          {"", ""},
		"namespace":        {"namespace: claude_code", "claude_code_"},
		"other namespace":  {"namespace: agents", "agents_"},
		"without suffixes": {"add_metric_suffixes: false", ""},
		"open metrics":     {"enable_open_metrics: true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := harness.Setup{
				Config: "exporters: {prometheus: {" + exporter.settings + "}}",
				Env:    map[string]string{"TOKEN_LEDGER_NAMES": "all"},
			}
			collector := harness.StartCollector(t, setup)
			c := load(t, capture.Versions[0], capture.JSON, "names "+name)
			require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), c.Of(capture.Metrics)))
			var tokens float64
			for _, session := range c.Sessions {
				for _, count := range session.Tokens {
					tokens += count
				}
			}
			var page harness.Page
			harness.Eventually(t, harness.Patience, "all tokens on the page", func() error {
				page = collector.Page(t)
				if shown := sum(named(page, "claude_code_token_usage_tokens_total")); shown != tokens {
					return fmt.Errorf("the page shows %v tokens, not %v", shown, tokens)
				}
				return nil
			})
			for stem, unit := range stems {
				names := familyNames(stem, unit)
				want := named(page, names[0])
				for _, name := range names[1:] {
					assert.Equal(t, want, named(page, name), name)
				}
			}
			assert.NotEmpty(t, page.Find(exporter.prefix+"token_ledger_cost"), "other metrics keep their names")
			assert.NotContains(t, strings.ToLower(collector.Log()), "\terror\t")
		})
	}
}
