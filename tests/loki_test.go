package tests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// logsToLoki is the logs pipeline of a public stack for Claude Code with Loki 2.9, with the endpoint of a stand-in.
const logsToLoki = `
processors:
  batch:
    timeout: 10s
    send_batch_size: 1024
exporters:
  loki:
    endpoint: %s
    default_labels_enabled:
      exporter: false
      job: true
service:
  pipelines:
    logs:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [loki]
`

// TestLoki sends the logs of two versions of Claude Code over all transports through the pipeline of a public stack. It
// guarantees that every record is in the stream {job="claude-code"} of Loki once when the collector has ended, at its
// time, with the fields that the stack's queries name: {job="claude-code"} |~ "tool_result" | json and
// attributes_tool_name.
func TestLoki(t *testing.T) {
	t.Parallel()
	for _, transport := range harness.Transports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			loki := &lokitest.Loki{}
			collector := harness.StartCollector(t, harness.Setup{Config: fmt.Sprintf(logsToLoki, loki.Start(t))})
			client := collector.Client(t, transport)
			var sent []capture.Request
			for _, version := range []string{"2.1.197", "2.1.329"} {
				requests := load(t, version, capture.JSON, "loki "+string(transport)).Of(capture.Logs)
				require.NoError(t, client.SendAll(t.Context(), requests))
				sent = append(sent, requests...)
			}
			require.Zero(t, collector.Stop(t, gracePeriod), "exit code")
			requireInLoki(t, loki, sent)
		})
	}
}

// TestLokiIsAwayForAWhile lets Loki answer 429, then 503, and behind a password that the extension basicauth knows. It
// guarantees that every record arrives once.
func TestLokiIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	loki := &lokitest.Loki{Answers: func(n int, _ lokitest.Request) lokitest.Answer {
		return map[int]lokitest.Answer{0: {Status: 429, RetryAfter: "1", Text: "ingestion rate limit exceeded"}, 1: {Status: 503}}[n]
	}}
	collector := harness.StartCollector(t, harness.Setup{Config: fmt.Sprintf(logsToLoki, loki.Start(t)) + `
  extensions: [health_check, basicauth]
extensions:
  basicauth:
    client_auth: {username: me, password: secret}
`, Arguments: []string{
		"--set=exporters.loki.auth.authenticator=basicauth", "--set=exporters.loki.retry_on_failure.initial_interval=50ms",
		"--set=processors.batch.timeout=100ms",
	}})
	requests := load(t, "2.1.329", capture.Protobuf, "loki away").Of(capture.Logs)
	require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), requests))
	harness.Eventually(t, harness.Patience, "all records in Loki", func() error {
		if want, got := recordCount(t, requests), loki.Lines(); got < want {
			return fmt.Errorf("%d of %d", got, want)
		}
		return nil
	})
	requireInLoki(t, loki, requests)
	assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("me:secret")), loki.Taken()[0].Header.Get("Authorization"))
	assert.Contains(t, collector.Log(), "ingestion rate limit exceeded")
}

// TestLokiQueueOnDisk stops the collector while Loki is away, and starts it again when Loki is there. It guarantees that a
// queue in file_storage brings every record over the restart, once.
func TestLokiQueueOnDisk(t *testing.T) {
	t.Parallel()
	var there atomic.Bool
	loki := &lokitest.Loki{Answers: func(int, lokitest.Request) lokitest.Answer {
		if there.Load() {
			return lokitest.Answer{}
		}
		return lokitest.Answer{Status: http.StatusServiceUnavailable}
	}}
	directory := filepath.Join(t.TempDir(), "queue")
	require.NoError(t, os.Mkdir(directory, 0o700))
	collector := harness.StartCollector(t, harness.Setup{Config: fmt.Sprintf(logsToLoki, loki.Start(t)) + `
  extensions: [health_check, file_storage]
extensions:
  file_storage:
    directory: ` + directory + `
`, Arguments: []string{"--set=exporters.loki.sending_queue.storage=file_storage", "--set=exporters.loki.retry_on_failure.initial_interval=50ms"}})
	requests := load(t, "2.1.329", capture.JSON, "loki queue").Of(capture.Logs)
	require.NoError(t, collector.Client(t, harness.HTTPProtobuf).SendAll(t.Context(), requests))
	require.Zero(t, collector.Stop(t, gracePeriod), "exit code")
	require.Zero(t, loki.Lines())

	there.Store(true)
	collector = collector.Restart(t)
	harness.Eventually(t, harness.Patience, "all records in Loki", func() error {
		if want, got := recordCount(t, requests), loki.Lines(); got < want {
			return fmt.Errorf("%d of %d", got, want)
		}
		return nil
	})
	require.Zero(t, collector.Stop(t, gracePeriod), "exit code")
	requireInLoki(t, loki, requests)
}

// TestLokiRefusesForGood lets Loki refuse everything. It guarantees that the collector says so with Loki's text, counts
// it on its page, and does not try again.
func TestLokiRefusesForGood(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "entry too far behind", http.StatusBadRequest)
	}))
	t.Cleanup(server.Close)
	collector := harness.StartCollector(t, harness.Setup{
		Config:    fmt.Sprintf(logsToLoki, server.URL+lokitest.Path),
		Arguments: []string{"--set=processors.batch.timeout=100ms"},
	})
	requests := load(t, "2.1.329", capture.JSON, "loki refuses").Of(capture.Logs)
	require.NoError(t, collector.Client(t, harness.HTTPJSON).SendAll(t.Context(), requests))
	want := fmt.Sprintf(`otelcol_exporter_loki_refused_records{exporter="loki"} %d`, recordCount(t, requests))
	harness.Eventually(t, harness.Patience, "the refusals on the page", func() error {
		answer, err := http.Get(collector.SelfMetricsURL())
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		page := new(strings.Builder)
		if err := answer.Write(page); err != nil {
			return err
		}
		if !strings.Contains(page.String(), want) {
			return fmt.Errorf("no %s", want)
		}
		return nil
	})
	assert.Contains(t, collector.Log(), "answer of Loki: 400 Bad Request: entry too far behind")
}

// requireInLoki checks that the records of requests are all that Loki has, each once.
func requireInLoki(tb testing.TB, loki *lokitest.Loki, requests []capture.Request) {
	tb.Helper()
	want, got := map[string]int{}, map[string]int{}
	eachRecord(tb, requests, func(record plog.LogRecord) {
		name, _ := record.Attributes().Get("event.name")
		session, _ := record.Attributes().Get("session.id")
		sequence, _ := record.Attributes().Get("event.sequence")
		tool := ""
		if value, ok := record.Attributes().Get("tool_name"); ok {
			tool = value.AsString()
		}
		want[fmt.Sprint(record.Timestamp().AsTime().UnixNano(), record.Body().Str(), name.AsString(), session.AsString(), sequence.AsString(), tool)]++
	})
	tools := 0
	for _, request := range loki.Taken() {
		for _, stream := range request.Streams {
			require.Equal(tb, map[string]string{"job": "claude-code"}, stream.Labels)
			for _, entry := range stream.Entries {
				line := lokiLine{}
				require.NoError(tb, json.Unmarshal([]byte(entry.Line), &line), entry.Line)
				got[fmt.Sprint(entry.Time.UnixNano(), line.Body, line.Attributes.Name, line.Attributes.Session, line.Attributes.Sequence.String(), line.Attributes.Tool)]++
				if strings.Contains(entry.Line, "tool_result") && line.Attributes.Tool != "" {
					tools++
				}
			}
		}
	}
	assert.Equal(tb, want, got)
	assert.Positive(tb, tools, `{job="claude-code"} |~ "tool_result" | json | attributes_tool_name != ""`)
}

// lokiLine is what these tests look at in a line.
type lokiLine struct {
	Body       string `json:"body"`
	Attributes struct {
		Name     string      `json:"event.name"`
		Session  string      `json:"session.id"`
		Sequence json.Number `json:"event.sequence"`
		Tool     string      `json:"tool_name"`
	} `json:"attributes"`
}

func recordCount(tb testing.TB, requests []capture.Request) int {
	tb.Helper()
	n := 0
	eachRecord(tb, requests, func(plog.LogRecord) { n++ })
	return n
}

func eachRecord(tb testing.TB, requests []capture.Request, visit func(plog.LogRecord)) {
	tb.Helper()
	for _, request := range requests {
		export, err := request.LogsRequest()
		require.NoError(tb, err)
		for _, rl := range export.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					visit(record)
				}
			}
		}
	}
}
