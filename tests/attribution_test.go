package tests

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// attributionFile has two users of one team and one of another. A million tokens of output cost 15 dollars.
const attributionFile = `email,team,cost_center,budget_usd,budget_period
ann@example.com,payments,CC-7,10,month
bob@example.com,payments,CC-7,10,month
eve@example.com,search,,,
,payments,,2000,month
,payments,,20,week
,search,,10,month
`

// Scenario: users whose teams and budgets are in a file work for some seconds, and Prometheus scrapes each second; then
// a budget is lowered in the file while everything runs.
// Guarantee: costs are shown by team, and the PromQL lines of the README name who is above the budget, as the file says
// at the time, and nobody else.
func TestBudgetAlerts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.csv")
	replaceAtOnce(t, file, attributionFile)
	const delay = 3 * time.Second // more than a scrape interval
	collector := harness.StartCollector(t, harness.Setup{
		Config: pageConfig(
			fmt.Sprintf("attribution: {file: %q, reload_interval: 1s, budget_interval: 1s}", file),
			"pricing: {source: metrics}",
			`cardinality: {rules: [{metrics: ["*"], drop: [session.id]}]}`,
		),
		Env: map[string]string{"TOKENLEDGER_FIRST_VALUE_DELAY": delay.String()},
	})
	prometheus := harness.StartPrometheus(t, fmt.Sprintf(
		"scrape_configs: [{job_name: page, honor_labels: true, scrape_interval: 1s, static_configs: [{targets: [%q]}]}]",
		collector.PageAddress()))
	prometheus.WaitForTargets(t, 1)
	client := collector.Client(t, harness.HTTPProtobuf)
	for email, tokens := range map[string]int64{"ann@example.com": 1_000_000, "Bob@Example.com": 100_000, "eve@example.com": 1_000_000, "nobody@example.com": 1_000_000} {
		require.NoError(t, client.SendMetrics(t.Context(), outputTokens(email, tokens)))
	}

	alerts := readmeQueries(t)
	require.Len(t, alerts, 3, "of users, of teams by month, of teams by week")
	above := func(query, label string, want ...string) {
		t.Helper()
		harness.Eventually(t, delay+harness.Patience, query, func() error {
			found, err := prometheus.Query(query, harness.Now())
			var names []string
			for _, series := range found {
				names = append(names, series.Labels[label])
			}
			slices.Sort(names)
			if err == nil && !slices.Equal(names, want) {
				err = fmt.Errorf("%s is above the budget, should be %s", names, want)
			}
			return err
		})
	}
	above(alerts[0], "user_email", "ann@example.com")
	above(alerts[1], "team", "search")
	above(alerts[2], "team", "payments")
	byTeam, err := prometheus.Query("sum by (team) (token_ledger_cost_USD_total)", harness.Now())
	require.NoError(t, err)
	costs := map[string]float64{}
	for _, series := range byTeam {
		costs[series.Labels["team"]] = series.Last().Value
	}
	require.InDeltaMapValues(t, map[string]float64{"payments": 16.5, "search": 15, "unattributed": 15}, costs, 1e-9)

	replaceAtOnce(t, file, regexp.MustCompile(`(?m)^(,search,,)10`).ReplaceAllString(attributionFile, "${1}1000"))
	above(alerts[1], "team")
}

// Scenario: the attribution file names a budget twice when the collector starts, and is repaired; then it goes bad while
// the collector runs.
// Guarantee: the start ends with an error that names file and lines; later the former content stays in use, and the log
// says why, and when it is over.
func TestBadAttributionFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.csv")
	replaceAtOnce(t, file, attributionFile+",search,,5,month\n")
	setup := harness.Setup{Config: pageConfig(fmt.Sprintf("attribution: {file: %q, reload_interval: 1s}", file))}
	refused := harness.Launch(t, setup)
	require.NotZero(t, refused.Wait(t, harness.Patience), "exit code")
	require.Contains(t, refused.Log(), "cannot use the attribution file "+file+": line 8: it has a budget for the same as line 7")

	replaceAtOnce(t, file, attributionFile)
	collector := harness.StartCollector(t, setup)
	replaceAtOnce(t, file, "email,team\nann@example.com,payments,7\n")
	harness.Eventually(t, harness.Patience, "a line in the log", func() error {
		if regexp.MustCompile(`the attribution file cannot be used.*line 2: it has 3 fields, the header has 2`).MatchString(collector.Log()) {
			return nil
		}
		return errors.New("it is not there")
	})
	client := collector.Client(t, harness.GRPC)
	require.NoError(t, client.SendMetrics(t.Context(), outputTokens("ann@example.com", 5)))
	harness.Eventually(t, harness.Patience, "tokens by team", func() error {
		for _, series := range collector.Page(t) {
			if series.Name == "claude_code_token_usage_tokens_total" && series.Value == 5 {
				if series.Labels["team"] != "payments" || series.Labels["cost_center"] != "CC-7" || series.Labels["agent"] != "claude-code" {
					return fmt.Errorf("labels are %v", slices.Sorted(maps.Keys(series.Labels)))
				}
				return nil
			}
		}
		return errors.New("the page does not show them")
	})
	replaceAtOnce(t, file, attributionFile)
	harness.Eventually(t, harness.Patience, "the end of it in the log", func() error {
		if regexp.MustCompile(`the attribution file can be used again`).MatchString(collector.Log()) {
			return nil
		}
		return errors.New("it is not there")
	})
}

// readmeQueries are the lines of PromQL in the processor's README, in its order.
func readmeQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.MustRoot(t), "go-shim", "tokenledgerprocessor", "README.md"))
	require.NoError(t, err)
	var out []string
	for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)\n```").FindAllSubmatch(text, -1) {
		if regexp.MustCompile(`token_ledger_budget_limit_USD`).Match(block[1]) {
			out = append(out, string(block[1]))
		}
	}
	return out
}

// replaceAtOnce puts a finished file in the place of another one, as the README asks for.
func replaceAtOnce(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// outputTokens is a request of Claude Code with tokens of a user, just now.
func outputTokens(email string, tokens int64) pmetric.Metrics {
	md := outputTokensOf("claude-sonnet-4-5", "session of "+email, tokens)
	capture.EachPoint(md, func(_ pmetric.Metric, p pmetric.NumberDataPoint) { p.Attributes().PutStr("user.email", email) })
	return md
}

// outputTokensOf is a request of Claude Code with tokens of a model, just now.
func outputTokensOf(model, session string, tokens int64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "claude-code")
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("com.anthropic.claude_code")
	metric := sm.Metrics().AppendEmpty()
	metric.SetName("claude_code.token.usage")
	metric.SetUnit("tokens")
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	dp := sum.DataPoints().AppendEmpty()
	now := time.Now()
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Second)))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
	dp.SetDoubleValue(float64(tokens))
	for name, value := range map[string]string{"session.id": session, "model": model, "type": "output"} {
		dp.Attributes().PutStr(name, value)
	}
	return md
}
