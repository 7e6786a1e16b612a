package tests

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestBrokenBodies sends bodies cut at many places, garbage, wrong encodings and a gzip bomb. It guarantees a 4xx for
// each, that nothing of them is counted, and that the same sessions' whole bodies then give exact totals.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{})
	client := collector.Client(t, harness.HTTPProtobuf)
	sent := loadAll(t)
	for _, c := range sent {
		for _, signal := range []capture.Signal{capture.Metrics, capture.Logs, capture.Traces} {
			whole := c.Of(signal)[0]
			for _, cut := range cuts(len(whole.Body)) {
				broken := whole
				broken.Body = whole.Body[:cut]
				requireRefused(t, client.Post(t.Context(), broken, ""), "%s %s cut at %d of %d", c.Name, signal, cut, len(whole.Body))
			}
		}
	}
	for name, broken := range brokenBodies(t) {
		requireRefused(t, client.Post(t.Context(), broken.request, broken.contentEncoding), "%s", name)
	}
	requireNotRetried(t, client.Post(t.Context(), notText(t), ""))

	for _, c := range sent {
		require.NoError(t, client.SendAll(t.Context(), c.Requests))
	}
	collector.Settle(t)
	page := collector.Page(t)
	for _, c := range sent {
		requireTruth(t, page, c)
	}
	require.Empty(t, page.Find("otel_metric_overflow"))
}

// cuts are places to cut a body at: the middle, both ends, and some between.
func cuts(length int) []int {
	out := []int{1, 2, length / 2, length - 2, length - 1}
	for i := 1; i < 20; i++ {
		out = append(out, length*i/20)
	}
	return out
}

type brokenBody struct {
	request         capture.Request
	contentEncoding string
}

func brokenBodies(t *testing.T) map[string]brokenBody {
	t.Helper()
	garbage := bytes.Repeat([]byte("garbage \x00\x01 "), 1000)
	metrics := func(encoding capture.Encoding, body []byte) capture.Request {
		return capture.Request{Signal: capture.Metrics, Encoding: encoding, Body: body}
	}
	valid := capture.Load(t, harness.MustRoot(t), "2.1.329", capture.Protobuf).Of(capture.Metrics)[0].Body
	zipped, err := harness.Gzip(valid)
	require.NoError(t, err)
	return map[string]brokenBody{
		"garbage as protobuf":       {metrics(capture.Protobuf, garbage), ""},
		"garbage as JSON":           {metrics(capture.JSON, garbage), ""},
		"JSON as protobuf":          {metrics(capture.Protobuf, []byte(`{"resourceMetrics": []}`)), ""},
		"garbage as gzip":           {metrics(capture.Protobuf, garbage), "gzip"},
		"gzip cut in half":          {metrics(capture.Protobuf, zipped[:len(zipped)/2]), "gzip"},
		"unknown content encoding":  {metrics(capture.Protobuf, valid), "rot13"},
		"gzip bomb, protobuf":       {metrics(capture.Protobuf, bomb(t, 0)), "gzip"},
		"gzip bomb, JSON":           {metrics(capture.JSON, bomb(t, ' ')), "gzip"},
		"JSON array":                {metrics(capture.JSON, []byte("[]")), ""},
		"JSON with a wrong type":    {metrics(capture.JSON, []byte(`{"resourceMetrics": 1}`)), ""},
		"JSON nested without end":   {metrics(capture.JSON, bytes.Repeat([]byte(`{"a":`), 100_000)), ""},
		"protobuf with wrong field": {metrics(capture.Protobuf, []byte{0x08, 0x01}), ""},
	}
}

// bomb compresses 400 MB to 400 kB: far below the receiver's limit of 20 MiB, and far above it once unpacked.
func bomb(t *testing.T, filling byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	block := bytes.Repeat([]byte{filling}, 1<<20)
	for range 400 {
		_, err := writer.Write(block)
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	return out.Bytes()
}

// requireRefused checks for an HTTP status that tells the client not to try the same again, with a reason.
func requireRefused(t *testing.T, err error, format string, arguments ...any) {
	t.Helper()
	what := fmt.Sprintf(format, arguments...)
	var status *harness.StatusError
	require.ErrorAs(t, err, &status, what)
	assert.Equal(t, 4, status.Code/100, "%s: status %d", what, status.Code)
	assert.NotEmpty(t, status.Body, what)
}

// notText is protobuf that says it were JSON, and is not even UTF-8.
func notText(t *testing.T) capture.Request {
	t.Helper()
	request := capture.Load(t, harness.MustRoot(t), "2.1.329", capture.Protobuf).Of(capture.Metrics)[0]
	request.Encoding = capture.JSON
	return request
}

// requireNotRetried checks for a refusal that clients do not try again. The receiver answers bytes that are not UTF-8
// with 500, because it cannot write its own reason, which quotes them; by the OTLP specification 500 is not retried.
func requireNotRetried(t *testing.T, err error) {
	t.Helper()
	var status *harness.StatusError
	require.ErrorAs(t, err, &status)
	assert.GreaterOrEqual(t, status.Code, 400)
	assert.NotContains(t, []int{429, 502, 503, 504}, status.Code)
}
