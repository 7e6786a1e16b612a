// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// Scenario: Loki answers with every kind of status.
// Guarantee: 2xx is success; 429 and 5xx are to be tried again, after Retry-After where there is one; everything else is
// final. The message has the status and Loki's words, in one line and not without end.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer    lokitest.Answer
		ok, final bool
		says      string
	}{
		"204":                  {answer: lokitest.Answer{Status: 204}, ok: true},
		"200":                  {answer: lokitest.Answer{Status: 200, Text: "fine"}, ok: true},
		"429":                  {answer: lokitest.Answer{Status: 429, Text: "limit"}, says: "answer of Loki: 429 Too Many Requests: limit"},
		"429 in seconds":       {answer: lokitest.Answer{Status: 429, RetryAfter: "3"}, says: "Throttle (3s)"},
		"500":                  {answer: lokitest.Answer{Status: 500, Text: "ingester\n is  down\n"}, says: "500 Internal Server Error: ingester is down"},
		"503 in seconds":       {answer: lokitest.Answer{Status: 503, RetryAfter: "3"}, says: "Throttle (3s)"},
		"503 without sense":    {answer: lokitest.Answer{Status: 503, RetryAfter: "soon"}, says: "answer of Loki: 503 Service Unavailable"},
		"304":                  {answer: lokitest.Answer{Status: 304}, final: true, says: "answer of Loki: 304 Not Modified"},
		"400":                  {answer: lokitest.Answer{Status: 400, RetryAfter: "3", Text: "entry too far behind"}, final: true, says: "400 Bad Request: entry too far behind"},
		"404":                  {answer: lokitest.Answer{Status: 404}, final: true, says: "/loki/api/v1/push"},
		"413":                  {answer: lokitest.Answer{Status: 413}, final: true, says: "413 Request Entity Too Large"},
		"400 with a long text": {answer: lokitest.Answer{Status: 400, Text: strings.Repeat("x", 1<<20)}, final: true, says: strings.Repeat("x", shownBytes)},
	} {
		t.Run(name, func(t *testing.T) {
			loki := &lokitest.Loki{Answers: func(int, lokitest.Request) lokitest.Answer { return c.answer }}
			e := started(t, configured(loki.Start(t), nil))
			err := e.ConsumeLogs(t.Context(), someLogs(t))
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, c.final, consumererror.IsPermanent(err))
			assert.Less(t, len(err.Error()), shownBytes+300)
		})
	}
}

// Scenario: values of Retry-After.
// Guarantee: seconds and dates count, anything else and the past mean no wish.
func TestRetryAfter(t *testing.T) {
	for value, delay := range map[string]time.Duration{
		"": 0, "0": 0, "12": 12 * time.Second, " 1 ": time.Second, "-1": 0, "1.5": 0, "x": 0, "99999999999999999999": 0,
		noon.Add(90 * time.Second).Format(http.TimeFormat): 90*time.Second - time.Duration(noon.Nanosecond()),
		noon.Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		assert.Equal(t, delay, retryAfter(value, noon), value)
	}
}

// Scenario: Loki asks for a second of patience, then fails once, then takes the batch.
// Guarantee: the batch is tried again no earlier, and arrives once.
func TestPatience(t *testing.T) {
	var asked time.Time
	var waited time.Duration
	loki := &lokitest.Loki{Answers: func(n int, _ lokitest.Request) lokitest.Answer {
		switch n {
		case 0:
			asked = time.Now()
			return lokitest.Answer{Status: 429, RetryAfter: "1"}
		case 1:
			waited = time.Since(asked)
			return lokitest.Answer{Status: 502}
		default:
			return lokitest.Answer{}
		}
	}}
	e := started(t, configured(loki.Start(t), func(cfg *Config) {
		cfg.RetryConfig.Enabled = true
		cfg.RetryConfig.InitialInterval = time.Millisecond
	}))
	require.NoError(t, e.ConsumeLogs(t.Context(), someLogs(t)))
	assert.GreaterOrEqual(t, waited, time.Second)
	assert.Equal(t, 3, loki.Received())
	assert.Equal(t, 1, loki.Lines())
}

// Scenario: Loki is not there when the batch is sent, and comes up.
// Guarantee: the batch arrives; without repetitions the error is one to try again.
func TestLokiComesUpLater(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	endpoint := "http://" + address + lokitest.Path

	err = started(t, configured(endpoint, nil)).ConsumeLogs(t.Context(), someLogs(t))
	require.ErrorContains(t, err, "no answer from Loki")
	assert.False(t, consumererror.IsPermanent(err))

	e := started(t, configured(endpoint, func(cfg *Config) {
		cfg.QueueConfig = configoptional.Some(exporterhelper.NewDefaultQueueConfig())
		cfg.RetryConfig.Enabled = true
		cfg.RetryConfig.InitialInterval = 10 * time.Millisecond
	}))
	require.NoError(t, e.ConsumeLogs(t.Context(), someLogs(t)))
	time.Sleep(50 * time.Millisecond)
	loki := &lokitest.Loki{}
	loki.CheckAtEnd(t)
	listener, err = net.Listen("tcp", address)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(loki)
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	assert.Eventually(t, func() bool { return loki.Lines() == 1 }, 10*time.Second, 5*time.Millisecond)
}

// Scenario: Loki does not answer in time.
// Guarantee: the setting timeout ends the attempt, and the batch is to be tried again.
func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release); server.Close() })
	e := started(t, configured(server.URL+lokitest.Path, func(cfg *Config) { cfg.ClientConfig.Timeout = 50 * time.Millisecond }))
	err := e.ConsumeLogs(t.Context(), someLogs(t))
	require.ErrorContains(t, err, "no answer from Loki")
	assert.False(t, consumererror.IsPermanent(err))
}

// Scenario: the collector stops while batches are in the queue.
// Guarantee: Shutdown returns when they are with Loki.
func TestShutdownEmptiesTheQueue(t *testing.T) {
	loki := &lokitest.Loki{Answers: func(int, lokitest.Request) lokitest.Answer {
		time.Sleep(5 * time.Millisecond)
		return lokitest.Answer{}
	}}
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.NumConsumers = 1
	cfg := configured(loki.Start(t), func(cfg *Config) { cfg.QueueConfig = configoptional.Some(queue) })
	e, err := NewFactory().CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	for range 20 {
		require.NoError(t, e.ConsumeLogs(t.Context(), someLogs(t)))
	}
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Equal(t, 20, loki.Lines())
}

// Scenario: many batches at once, through a queue with several consumers.
// Guarantee: each record arrives once. (With -race: nothing is shared without care.)
func TestManyAtOnce(t *testing.T) {
	loki := &lokitest.Loki{}
	e := started(t, configured(loki.Start(t), func(cfg *Config) {
		cfg.QueueConfig = configoptional.Some(exporterhelper.NewDefaultQueueConfig())
	}))
	shared := tenantLogs(t)
	shared.MarkReadOnly()
	done := make(chan error)
	for range 4 {
		go func() {
			for range 25 {
				if err := e.ConsumeLogs(context.WithoutCancel(t.Context()), shared); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	assert.Eventually(t, func() bool { return loki.Lines() == 100*shared.LogRecordCount() }, 10*time.Second, 5*time.Millisecond)
}

// Scenario: a batch without records.
// Guarantee: no request, no error.
func TestEmptyBatch(t *testing.T) {
	loki := &lokitest.Loki{}
	e := started(t, configured(loki.Start(t), nil))
	require.NoError(t, e.ConsumeLogs(t.Context(), logsOf(t, map[string]any{"service.name": "a"})))
	assert.Zero(t, loki.Received())
	assert.False(t, e.Capabilities().MutatesData)
}
