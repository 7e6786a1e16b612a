package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/synthetic"
)

// trimmed are the attributes that tell users and sessions apart in the captures.
var trimmed = []string{"session.id", "user.id", "user.email", "user.account_uuid", "user.account_id"}

// trimmingRules are the ways to write that users and sessions are not told apart.
var trimmingRules = map[string]string{
	"drop": `{metrics: ["claude_code.*"], drop: [session.id, user.id, user.email, user.account_uuid, user.account_id]}`,
	"keep": `{metrics: ["claude_code.*"], keep: [team.id, department, terminal.type, model, query_source, effort, type, start_type,
      anthropic.provider, anthropic.custom_base_url, tool_name, decision, source, language]}`,
}

// trimmingConfig trims by a rule and tells clients' versions apart only by what points carry.
func trimmingConfig(rules string) string {
	return fmt.Sprintf(`
processors:
  token_ledger:
    identity: prometheus
    prometheus: {promote_scope_metadata: false}
    cardinality: {rules: [%s]}
exporters:
  prometheus: {without_scope_info: true, resource_to_telemetry_conversion: {enabled: false}}
`, rules)
}

// Scenario: all recorded sessions in all the ways in which requests may arrive, with sessions and users trimmed by a
// rule. Guarantee: one series for each set of other labels, and each grows by the truth each time (T1, D3, D5).
func TestTrimmedTotals(t *testing.T) {
	t.Parallel()
	for name, rule := range trimmingRules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Config: trimmingConfig(rule)})
			want := capture.Totals{}
			for i, original := range loadAll(t) {
				for _, variant := range variants {
					renamed := original.Renamed(name + variant.name)
					client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
					require.NoError(t, client.SendAll(t.Context(), variant.change(t, renamed).Of(capture.Metrics)))
					for key, value := range renamed.TotalsWithout(t, trimmed...) {
						want[key] += value
					}
				}
				collector.Settle(t)
				shown, err := collector.Page(t).TotalsWith()
				require.NoError(t, err)
				require.NoError(t, sameTotals(want, shown), original.Name)
			}
			requireScriptedTruth(t, collector.Page(t), float64(len(variants)))
		})
	}
}

// requireScriptedTruth checks tokens and costs by model against what the recordings' script made, so that nothing is
// concluded from telemetry alone.
func requireScriptedTruth(t *testing.T, page harness.Page, times float64) {
	t.Helper()
	tokens, costs := map[[2]string]float64{}, map[string]float64{}
	for _, c := range loadAll(t) {
		for _, session := range c.Sessions {
			costs[session.Model] += times * session.Cost
			for kind, count := range session.Tokens {
				tokens[[2]string{session.Model, kind}] += times * count
			}
		}
	}
	for of, count := range tokens {
		assert.Equal(t, count, page.Sum("claude_code_token_usage", "model", of[0], "type", of[1]), "%v", of)
	}
	for model, cost := range costs {
		assert.InDelta(t, cost, page.Sum("claude_code_cost_usage", "model", model), costTolerance, model)
	}
}

// Scenario: the captures again, with the ready rule set of one line. Guarantee: no session and no account id is left,
// one series for each type and model of a user, and all totals exact.
func TestPresetTotals(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: trimmingConfig("{preset: claude_code}")})
	for i, original := range loadAll(t) {
		for _, variant := range variants {
			renamed := original.Renamed("preset" + variant.name)
			client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
			require.NoError(t, client.SendAll(t.Context(), variant.change(t, renamed).Of(capture.Metrics)))
		}
	}
	collector.Settle(t)
	page := collector.Page(t)
	requireScriptedTruth(t, page, float64(len(variants)))
	for _, series := range page.Find("claude_code_") {
		for _, label := range []string{"session_id", "user_account_uuid", "user_account_id", "app_version"} {
			assert.NotContains(t, series.Labels, label)
		}
	}
	// Each of the eight recorded sessions has a user of its own; what tells their clients apart is trimmed.
	perUser := map[string]int{}
	for _, series := range page.Find("claude_code_token_usage") {
		perUser[series.Labels["user_id"]+series.Labels["model"]+series.Labels["type"]]++
	}
	for of, count := range perUser {
		assert.Equal(t, 1, count, "series of %s", of)
	}
	assert.LessOrEqual(t, len(perUser), 8*4, "users with a model each, and four types")
}

// Scenario: clients send thousands of values of one attribute, of which three may be told apart. Guarantee: the first
// three keep their series, the others add up under `other`, and nothing is lost (T2).
func TestMaxValues(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: trimmingConfig(
		`{metrics: ["claude_code.*"], drop: [session.id, user.id], max_values: {skill.name: 3}}`)})
	want := map[string]float64{}
	client := collector.Client(t, harness.GRPC)
	for round := range 2 {
		for skill := range 1000 {
			name := fmt.Sprintf("skill %d", skill)
			shown := name
			if skill >= 3 {
				shown = "other"
			}
			want[shown]++
			require.NoError(t, client.SendMetrics(t.Context(), skillUse(name, round)))
		}
	}
	collector.Settle(t)
	got := map[string]float64{}
	for _, series := range collector.Page(t).Find("claude_code_token_usage") {
		got[series.Labels["skill_name"]] += series.Value
	}
	assert.Equal(t, want, got)
}

// skillUse is one token that a skill used.
func skillUse(skill string, round int) pmetric.Metrics {
	end := time.Now().Add(time.Duration(round-10) * time.Second)
	source := synthetic.Source{
		Resource:   map[string]string{"service.name": "claude-code"},
		Attributes: map[string]string{"session.id": skill, "skill.name": skill},
	}
	w := synthetic.Window{Start: end.Add(-time.Second), End: end}
	return source.Request().Sum("claude_code.token.usage", synthetic.Delta, w, 1).Metrics()
}

// Scenario: two sessions send gauges, in and out of order, that become one when sessions are trimmed. Guarantee: the page
// shows the last by time, the largest, or the sum of what the sessions sent last, as the rule says (T4).
func TestTrimmedGauges(t *testing.T) {
	t.Parallel()
	var rules []string
	for _, merge := range []string{"last", "max", "sum"} {
		rules = append(rules, fmt.Sprintf("{metrics: [agent.%s], drop: [session.id], gauge: %s}", merge, merge))
	}
	collector := harness.StartCollector(t, harness.Setup{Config: trimmingConfig(strings.Join(rules, ", "))})
	client := collector.Client(t, harness.GRPC)
	begin := time.Now().Add(-time.Minute)
	for _, sent := range []struct {
		session string
		second  int
		value   float64
	}{{"one", 1, 10}, {"two", 2, 4}, {"one", 4, 7}, {"two", 3, 9}, {"one", 2, 99}} { // the last one is late
		request := synthetic.Source{Resource: map[string]string{"service.name": "agent"}}.With("session.id", sent.session).Request()
		for _, merge := range []string{"last", "max", "sum"} {
			request.Gauge("agent."+merge, begin.Add(time.Duration(sent.second)*time.Second), sent.value)
		}
		require.NoError(t, client.SendMetrics(t.Context(), request.Metrics()))
	}
	for merge, want := range map[string]float64{"last": 7, "max": 9, "sum": 7 + 9} {
		harness.Eventually(t, harness.Patience/4, "gauge "+merge, func() error {
			found := collector.Page(t).Find("agent_" + merge)
			if len(found) != 1 || found[0].Value != want {
				return fmt.Errorf("the page shows %v, should be %v", found, want)
			}
			return nil
		})
	}
}

// Scenario: clients on many hosts, in front of an exporter that makes labels of resource attributes, of which some are
// removed by rule. Guarantee: one series for each service, with its total, and nothing of the removed attributes on the
// page (T1: resource rules).
func TestTrimmedResources(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: `
processors:
  token_ledger:
    identity: prometheus
    prometheus: {promote_all_resource_attributes: true}
    cardinality: {resource_attributes: {drop: [host.name, service.instance.id]}}
exporters:
  prometheus: {without_scope_info: true, resource_to_telemetry_conversion: {enabled: true, exclude_service_attributes: true}}
`})
	client := collector.Client(t, harness.HTTPProtobuf)
	begin := time.Now().Add(-time.Minute)
	for host := range 50 {
		for window := range 3 {
			source := synthetic.Source{Resource: map[string]string{
				"service.name": fmt.Sprint("service ", host%2), "team": "platform",
				"host.name": fmt.Sprint("host ", host), "service.instance.id": fmt.Sprint("instance ", host),
			}}
			w := synthetic.Window{Start: begin.Add(time.Duration(window) * time.Second), End: begin.Add(time.Duration(window+1) * time.Second)}
			require.NoError(t, client.SendMetrics(t.Context(), source.Request().Sum("claude_code.token.usage", synthetic.Delta, w, 1).Metrics()))
		}
	}
	collector.Settle(t)
	page := collector.Page(t)
	found := page.Find("claude_code_token_usage")
	require.Len(t, found, 2)
	for _, series := range found {
		assert.Equal(t, 75.0, series.Value)
		assert.Equal(t, "platform", series.Labels["team"])
		assert.NotContains(t, series.Labels, "host_name")
		assert.NotContains(t, series.Labels, "instance")
	}
	assert.NotContains(t, collector.Log(), "was collected before", "two streams of one series")
}
