package tests

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// otlpToPrometheus is the recipe that Prometheus' own guide gives.
const otlpToPrometheus = `
receivers:
  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "0.0.0.0:4318"}}}
processors:
  batch: {timeout: 200ms}
exporters:
  otlphttp/prometheus: {endpoint: "http://prometheus:9090/api/v1/otlp", tls: {insecure: true}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [batch], exporters: [otlphttp/prometheus]}
`

// promotions are what servers make labels of, and what they are said to (TOKEN_LEDGER_PROMOTE).
var promotions = []struct {
	name, server, said string
	apart              bool // whether users on different operating systems are
}{
	{name: "none", server: "otlp: {}"},
	{name: "one", server: "otlp: {promote_resource_attributes: [os.type]}", said: "os.type", apart: true},
	{name: "all", server: "otlp: {promote_all_resource_attributes: true}", said: "all", apart: true},
	{name: "scopes", server: "otlp: {promote_scope_metadata: true}"},
	{name: "names as clients write them", server: "otlp: {translation_strategy: NoTranslation}"},
}

// TestDropInOTLPToPrometheus pushes to the OTLP endpoint of the newest Prometheus, which refuses what clients send: deltas.
//
// Scenario: two users on different operating systems whose points are equal, and servers that make labels of nothing, of
// some and of all attributes of the resource, or keep names as they are. When their sessions are stored, more come, which
// began before that: their zeros belong to a time at which the server has samples of the same resource already (L3).
// Guarantee: what cannot be told apart is one series with the sum, what can is a series each with its truth; every
// series begins at 0 and never falls; nothing that was pushed was refused.
func TestDropInOTLPToPrometheus(t *testing.T) {
	t.Parallel()
	for _, promotion := range promotions {
		t.Run(promotion.name, func(t *testing.T) {
			t.Parallel()
			box := harness.StartBox(t, stackHosts...)
			prometheus := box.StartNewestPrometheus(t, writeConfig(t, promotion.server), "--web.enable-otlp-receiver")
			collector := box.StartCollector(t, harness.BoxedSetup{
				Binary: product(t), Arguments: configArguments(writeConfig(t, otlpToPrometheus)),
				Env: map[string]string{"TOKEN_LEDGER_PROMOTE": promotion.said},
			})
			client := collector.Client(t, harness.HTTPProtobuf)
			truth := capture.Totals{}
			for _, wave := range []string{"first", "later"} {
				linux := load(t, "2.1.329", capture.Protobuf, promotion.name+wave)
				require.NoError(t, client.SendAll(t.Context(), linux.Of(capture.Metrics)))
				require.NoError(t, client.SendAll(t.Context(), onDarwin(t, linux)))
				maps.Copy(truth, linux.Totals(t))
				requireZeros(t, waitForPushed(t, prometheus, truth, promotion.apart))
			}
			assert.Zero(t, collector.SelfMetrics(t).Sum("otelcol_exporter_send_failed_metric_points"), "points that Prometheus refused")
			assert.NotContains(t, prometheus.Log(), "level=WARN")
		})
	}
}

// waitForPushed waits until every series has its share of the truth: the same for each operating system where they are
// told apart.
func waitForPushed(t *testing.T, prometheus *harness.Prometheus, truth capture.Totals, apart bool) []harness.TimeSeries {
	t.Helper()
	users, labels := 2.0, [][]string{nil}
	if apart {
		users, labels = 1, [][]string{{"os_type", "linux"}, {"os_type", "darwin"}}
	}
	want := capture.Totals{}
	for key, value := range truth {
		want[key] = users * value
	}
	var stored []harness.TimeSeries
	harness.Eventually(t, harness.Patience, "truth in Prometheus", func() (err error) {
		if stored, err = prometheus.Query(`{__name__=~"claude_code.+"}[1h]`, harness.Now()); err != nil {
			return err
		}
		page := underscored(harness.LastSamples(stored))
		if count := len(page); count != len(labels)*len(want) {
			return fmt.Errorf("%d series, not %d", count, len(labels)*len(want))
		}
		for _, one := range labels {
			shown, err := page.TotalsWith(one...)
			if err != nil {
				return err
			}
			if err := sameTotals(want, shown); err != nil {
				return fmt.Errorf("%v: %w", one, err)
			}
		}
		return nil
	})
	return stored
}

// underscored writes names as a page has them, without the one label that only a server that promotes all makes.
func underscored(page harness.Page) harness.Page {
	var out harness.Page
	for _, series := range page {
		labels := map[string]string{}
		for name, value := range series.Labels {
			if label := capture.Sanitised(name); label != "service_name" {
				labels[label] = value
			}
		}
		out = append(out, harness.Series{Name: strings.ReplaceAll(series.Name, ".", "_"), Labels: labels, Value: series.Value})
	}
	return out
}
