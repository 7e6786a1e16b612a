package tests

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// refusableConfig feeds Prometheus and a server that is no Prometheus, whose refusals go back to the client.
const refusableConfig = `
exporters:
  otlphttp/foreign:
    endpoint: "http://127.0.0.1:4400"
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [prometheus, otlphttp/foreign]}
`

// TestDropInForeignRefusal lets the other exporter of a mixed pipeline refuse every second request.
//
// Scenario: the client gets the error, as it did before, and sends the same request again, which this exporter then takes;
// but Prometheus' branch had it already. Guarantee: nothing counts twice on the page (rule D3).
func TestDropInForeignRefusal(t *testing.T) {
	t.Parallel()
	runRefusal(t, "{}", func(c capture.Capture) capture.Totals { return c.Totals(t) })
}

// runRefusal sends each request until both exporters have it, through a configuration that the further one completes.
func runRefusal(t *testing.T, further string, truth func(capture.Capture) capture.Totals) {
	t.Helper()
	box := harness.StartBox(t)
	var calls atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1)%2 == 1 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
		}
	}))
	_ = server.Listener.Close()
	server.Listener = box.Listen(t, 4400)
	server.Start()
	t.Cleanup(server.Close)
	collector := box.StartCollector(t, harness.BoxedSetup{
		Binary: product(t), Env: atOnce(),
		Arguments: configArguments(writeConfig(t, otlpToPage), writeConfig(t, refusableConfig), writeConfig(t, further)),
	})
	client := collector.Client(t, harness.HTTPProtobuf)
	sent := load(t, "2.1.197", capture.Protobuf, "refusal")
	for _, request := range sent.Of(capture.Metrics) {
		require.Error(t, client.Send(t.Context(), request), "the foreign server refuses")
		require.NoError(t, client.Send(t.Context(), request), "the foreign server takes it")
	}
	harness.Eventually(t, harness.Patience, "truth on the page", func() error {
		shown, err := collector.Page(t).Totals(sent.Sessions)
		return errors.Join(err, sameTotals(truth(sent), shown))
	})
	time.Sleep(2 * time.Second) // two ticks, in which nothing may come that was held back
	shown, err := collector.Page(t).Totals(sent.Sessions)
	require.NoError(t, err)
	require.NoError(t, sameTotals(truth(sent), shown))
}
