package tests

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// absence is how long the store is away. It is longer than the 5 seconds after which prometheus_remote_write gives a request
// up by itself, and than two intervals at which token_ledger pushes, so that several requests wait.
const absence = 25 * time.Second

// pushes are both ways to push to a Prometheus, without any setting but the address.
var pushes = []struct {
	name, exporter string
	start          func(*harness.Box, testing.TB, string, ...string) *harness.Prometheus
	flag           string
}{
	{"remote write", `prometheus_remote_write: {endpoint: "http://prometheus:9090/api/v1/write"}`,
		(*harness.Box).StartPrometheus, "--web.enable-remote-write-receiver"},
	{"OTLP", `otlphttp: {endpoint: "http://prometheus:9090/api/v1/otlp"}`,
		(*harness.Box).StartNewestPrometheus, "--web.enable-otlp-receiver"},
}

// TestDropInPrometheusComesLater starts the store after the collector, as `docker compose up` may.
//
// Scenario: a client that sends a counter of its own each second, new sessions so to speak, and one counter that goes on,
// while nothing listens at the store's address and then a while longer; both ways to push, and a `batch` that
// splits what is pushed into pieces of two points.
// Guarantee: every series begins at 0, never falls and ends at the truth, and the exporter gave nothing up.
func TestDropInPrometheusComesLater(t *testing.T) {
	t.Parallel()
	for _, push := range pushes {
		t.Run(push.name, func(t *testing.T) {
			t.Parallel()
			box := harness.StartBox(t, stackHosts...)
			collector := box.StartCollector(t, harness.BoxedSetup{
				Binary: product(t), Arguments: configArguments(writeConfig(t, pushTo(push.exporter))),
			})
			client := collector.Client(t, harness.HTTPProtobuf)
			truth := map[string]float64{}
			sendCounters(t, client, truth, absence)
			assert.NotZero(t, collector.SelfMetrics(t).Sum("otelcol_exporter_queue_size"), "requests that wait: without any this test shows nothing")

			prometheus := push.start(box, t, writeConfig(t, "global: {}"), push.flag)
			sendCounters(t, client, truth, 5*time.Second)
			requireZeros(t, waitForCounters(t, prometheus, truth))
			assert.Zero(t, collector.SelfMetrics(t).Sum("otelcol_exporter_send_failed_metric_points"), "points that were given up or refused")
		})
	}
}

// pushTo is the usual recipe with small batches.
func pushTo(exporter string) string {
	id, _, _ := strings.Cut(exporter, ":")
	return fmt.Sprintf(`
receivers:
  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "0.0.0.0:4318"}}}
processors:
  batch: {send_batch_size: 2, send_batch_max_size: 2}
exporters:
  %s
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [batch], exporters: [%s]}
`, exporter, id)
}

// sendCounters sends, each second for a while, a new counter and one that goes on, and adds what it sent to the truth.
// All of them have service.name and nothing else in their resource.
func sendCounters(t *testing.T, client *harness.Client, truth map[string]float64, during time.Duration) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Second) {
		for _, name := range []string{"goes_on", fmt.Sprintf("new_%d", len(truth))} {
			now := time.Now()
			truth[name] += 10
			require.NoError(t, client.SendMetrics(t.Context(), harness.OneSum(name, now.Add(-100*time.Millisecond), now, 10)))
		}
	}
}

// waitForCounters waits until the last sample of each counter is its truth.
func waitForCounters(t *testing.T, prometheus *harness.Prometheus, truth map[string]float64) []harness.TimeSeries {
	t.Helper()
	var stored []harness.TimeSeries
	harness.Eventually(t, harness.Patience, "truth in Prometheus", func() (err error) {
		if stored, err = prometheus.Query(`{sentinel!=""}[1h]`, harness.Now()); err != nil {
			return err
		}
		if len(stored) != len(truth) {
			err = fmt.Errorf("%d series, not %d", len(stored), len(truth))
		}
		for _, series := range stored {
			name := series.Labels["sentinel"]
			if last := series.Last().Value; last != truth[name] {
				err = errors.Join(err, fmt.Errorf("%s is %v, not %v", name, last, truth[name]))
			}
		}
		return err
	})
	return stored
}
