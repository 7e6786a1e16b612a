package tests

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/synthetic"
)

// reader is one way to set up an exporter for Prometheus, with what its labels tell apart.
type reader struct {
	name             string
	scopes, promoted bool // whether labels of the scope, and of the resource, are shown
}

var readers = []reader{
	{"scopes shown", true, false},
	{"scopes hidden", false, false},
	{"scopes shown, resource promoted", true, true},
	{"scopes hidden, resource promoted", false, true},
}

// processor is what token_ledger has to be told about the exporter behind it (T0), with a rule that trims sessions.
func (r reader) processor(more string) string {
	return fmt.Sprintf(`{identity: prometheus, %s
    prometheus: {promote_all_resource_attributes: %t, promote_scope_metadata: %t},
    cardinality: {rules: [{metrics: ["claude_code.*"], drop: [session.id]}]}}`, more, r.promoted, r.scopes)
}

// pageConfig shows totals on the exporter's page.
func (r reader) pageConfig() string {
	return fmt.Sprintf(`
processors:
  token_ledger: %s
exporters:
  prometheus:
    without_scope_info: %t
    resource_to_telemetry_conversion: {enabled: %t, exclude_service_attributes: true}
`, r.processor("emit: each,"), !r.scopes, r.promoted)
}

// pushConfig pushes totals once per second, marked as this reader's.
func (r reader) pushConfig(prometheus *harness.Prometheus) string {
	return fmt.Sprintf(`
processors:
  token_ledger: %s
exporters:
  prometheus_remote_write:
    endpoint: "%s/api/v1/write"
    disable_scope_info: %t
    resource_to_telemetry_conversion: {enabled: %t, exclude_service_attributes: true}
    external_labels: {reader: %q}
service: {pipelines: {metrics: {exporters: [prometheus_remote_write]}}}
`, r.processor("emit: interval, flush_interval: 1s,"), prometheus.URL(), !r.scopes, r.promoted, r.name)
}

// people are three users with two sessions each on two operating systems, with two client versions and two scopes.
func people() []synthetic.Source {
	var out []synthetic.Source
	for _, user := range []string{"ada", "ben", "cy"} {
		for _, system := range []string{"6.8.0", "6.12.90"} {
			for _, version := range []string{"2.1.197", "2.1.329"} {
				for _, scope := range []string{"com.anthropic.claude_code", "com.anthropic.claude_code.agents"} {
					for session := range 2 {
						id := fmt.Sprint(user, system, version, scope, session)
						out = append(out, synthetic.Source{
							Resource:   map[string]string{"service.name": "claude-code", "service.version": version, "os.version": system},
							Scope:      synthetic.Scope{Name: scope, Version: version},
							Attributes: map[string]string{"user.id": user, "session.id": id},
						})
					}
				}
			}
		}
	}
	return out
}

// usage is what people sent: tokens and dollars by the labels that a reader sees.
type usage map[string]float64

// see adds a value under the labels that remain of a source for a reader.
func (u usage) see(r reader, s synthetic.Source, metric, kind string, value float64) {
	key := []string{metric, s.Attributes["user.id"], kind}
	if r.scopes {
		key = append(key, s.Scope.Name, s.Scope.Version)
	}
	if r.promoted {
		key = append(key, s.Resource["os.version"], s.Resource["service.version"])
	}
	u[strings.Join(key, " ")] += value
}

// seen writes what a page shows in the same way.
func (r reader) seen(page harness.Page) (usage, error) {
	out := usage{}
	for _, series := range page.Find("claude_code_") {
		if id, there := series.Labels["session_id"]; there {
			return nil, fmt.Errorf("session %s was not trimmed", id)
		}
		metric := "tokens"
		if strings.HasPrefix(series.Name, "claude_code_cost") {
			metric = "cost"
		}
		key := []string{metric, series.Labels["user_id"], series.Labels["type"]}
		if r.scopes {
			key = append(key, series.Labels["otel_scope_name"], series.Labels["otel_scope_version"])
		}
		if r.promoted {
			key = append(key, series.Labels["os_version"], series.Labels["service_version"])
		}
		text := strings.Join(key, " ")
		if _, twice := out[text]; twice {
			return nil, fmt.Errorf("two series of %s", text)
		}
		out[text] = series.Value
	}
	return out, nil
}

// sendUsage lets people send three windows each, all ending at the same times, and returns the truth for a reader.
func sendUsage(t *testing.T, r reader, collector *harness.Collector) usage {
	t.Helper()
	truth := usage{}
	client := collector.Client(t, harness.GRPC)
	begin := time.Now().Add(-30 * time.Second).Truncate(time.Millisecond)
	for window := range 3 {
		w := synthetic.Window{Start: begin.Add(time.Duration(window) * 10 * time.Second), End: begin.Add(time.Duration(window+1) * 10 * time.Second)}
		for i, source := range people() {
			request := source.Request()
			for at, kind := range []string{"input", "output"} {
				value := float64(1000*window + 10*i + at + 1)
				request.Sum("claude_code.token.usage", synthetic.Delta, w, value, "type", kind)
				truth.see(r, source, "tokens", kind, value)
			}
			cost := float64(i+1) / 1024 // adds up without rounding
			request.Sum("claude_code.cost.usage", synthetic.Delta, w, cost)
			truth.see(r, source, "cost", "", cost)
			require.NoError(t, client.SendMetrics(t.Context(), request.Metrics()))
		}
	}
	return truth
}

// sameUsage compares exactly.
func sameUsage(want, got usage) error {
	var differences []string
	for key, value := range want {
		if shown, found := got[key]; !found || shown != value {
			differences = append(differences, fmt.Sprintf("%s: %v, should be %v", key, shown, value))
		}
	}
	for key := range got {
		if _, found := want[key]; !found {
			differences = append(differences, fmt.Sprintf("%s: should not be there", key))
		}
	}
	if len(differences) == 0 {
		return nil
	}
	slices.Sort(differences)
	return fmt.Errorf("%d of %d series differ:\n%s", len(differences), len(want), strings.Join(differences[:min(len(differences), 8)], "\n"))
}

// Scenario: three users, two operating systems, two client versions, two scopes and two sessions each, with sessions
// trimmed, in front of the prometheus exporter with and without scope labels and promoted resource attributes.
// Guarantee: one series for each set of visible labels, and each is the true total (T0, T1).
func TestPageOfManyClients(t *testing.T) {
	t.Parallel()
	for _, r := range readers {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Config: r.pageConfig()})
			truth := sendUsage(t, r, collector)
			requireUsage(t, r, collector, truth)
			assert.NotContains(t, collector.Log(), "was collected before", "two streams of one series")
		})
	}
}

// requireUsage checks the page after everything held is out.
func requireUsage(t *testing.T, r reader, collector *harness.Collector, truth usage) {
	t.Helper()
	collector.Settle(t)
	for range 5 { // where two streams share a series, chance decides which of them a page shows
		shown, err := r.seen(collector.Page(t))
		require.NoError(t, err)
		require.NoError(t, sameUsage(truth, shown))
	}
}

// Scenario: the same clients, pushed into a real Prometheus by remote write. Guarantee: one series for each set of
// visible labels in the store, and each is the true total (T0, T1).
func TestStoreOfManyClients(t *testing.T) {
	t.Parallel()
	prometheus := harness.StartPrometheus(t, "global: {}", "--web.enable-remote-write-receiver")
	for _, r := range readers {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Config: r.pushConfig(prometheus)})
			truth := sendUsage(t, r, collector)
			stored := func() error {
				samples, err := prometheus.Query(fmt.Sprintf(`{__name__=~"claude_code_.*",reader=%q}[1h]`, r.name), harness.Now())
				if err != nil {
					return err
				}
				shown, err := r.seen(harness.LastSamples(samples))
				if err != nil {
					return err
				}
				return sameUsage(truth, shown)
			}
			harness.Eventually(t, harness.Patience, "totals in the store", stored)
			collector.Stop(t, gracePeriod)
			require.NoError(t, stored(), "after the end")
		})
	}
}

// Scenario: the same clients with `identity: otlp` in front of an exporter that shows neither scopes nor resources, as
// contrib's processor would be. Guarantee: the page shows too little, so the tests above would notice.
func TestPageOfManyClientsWithoutIdentity(t *testing.T) {
	t.Parallel()
	r := readers[1]
	config := strings.Replace(r.pageConfig(), "identity: prometheus", "identity: otlp", 1)
	collector := harness.StartCollector(t, harness.Setup{Config: config})
	truth := sendUsage(t, r, collector)
	collector.Settle(t)
	var sent, shown float64
	for _, value := range truth {
		sent += value
	}
	for _, series := range collector.Page(t).Find("claude_code_") {
		shown += series.Value
	}
	assert.Positive(t, shown)
	assert.Less(t, shown, sent)
}

// Scenario: two versions of a client spell a key differently, and exporters make the same label of both spellings.
// Guarantee: one series with the total of both, on the page and in a store (T0: keys are compared as labels).
func TestKeysThatBecomeTheSameLabel(t *testing.T) {
	t.Parallel()
	send := func(t *testing.T, collector *harness.Collector) {
		begin := time.Now().Add(-30 * time.Second)
		for window := range 4 {
			w := synthetic.Window{Start: begin.Add(time.Duration(window) * time.Second), End: begin.Add(time.Duration(window+1) * time.Second)}
			key := []string{"user.id", "user_id"}[window%2]
			request := synthetic.Source{Resource: map[string]string{"service.name": "claude-code"}}.Request()
			request.Sum("claude_code.token.usage", synthetic.Delta, w, 100, key, "ada")
			require.NoError(t, collector.Client(t, harness.HTTPJSON).SendMetrics(t.Context(), request.Metrics()))
		}
	}
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		collector := harness.StartCollector(t, harness.Setup{Config: readers[0].pageConfig()})
		send(t, collector)
		collector.Settle(t)
		for range 5 {
			found := collector.Page(t).Find("claude_code_token_usage")
			require.Len(t, found, 1)
			require.Equal(t, 400.0, found[0].Value)
		}
		assert.NotContains(t, collector.Log(), "was collected before", "two streams of one series")
	})
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		prometheus := harness.StartPrometheus(t, "global: {}", "--web.enable-remote-write-receiver")
		collector := harness.StartCollector(t, harness.Setup{Config: readers[0].pushConfig(prometheus)})
		send(t, collector)
		harness.Eventually(t, harness.Patience, "the total", func() error {
			stored, err := prometheus.Query(`{__name__=~"claude_code_token_usage.*"}[1h]`, harness.Now())
			if err != nil {
				return err
			}
			values := map[string]float64{}
			for _, series := range stored {
				values[series.Selector()] = series.Last().Value
			}
			if len(values) != 1 || slices.Collect(maps.Values(values))[0] != 400 {
				return fmt.Errorf("stored: %v", values)
			}
			return nil
		})
	})
}
