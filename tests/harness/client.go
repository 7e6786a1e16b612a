package harness

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// Transport is one of the three ways of OTLP.
type Transport string

// The transports that clients can be set to (OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_COMPRESSION).
const (
	HTTPJSON     Transport = "http/json"
	HTTPProtobuf Transport = "http/protobuf"
	HTTPGzip     Transport = "http/protobuf with gzip"
	GRPC         Transport = "grpc"
)

// Transports are all of them.
var Transports = []Transport{HTTPJSON, HTTPProtobuf, HTTPGzip, GRPC}

// Client sends requests to a collector over one transport.
type Client struct {
	transport Transport
	collector *Collector
	http      *http.Client
	grpc      *grpc.ClientConn
}

// requestTimeout is generous: on a loaded machine a request waits for others.
const requestTimeout = 30 * time.Second

// reconnect is how often gRPC tries to connect while a collector is down: tests start it again within a second, and the
// usual pauses grow to two minutes.
var reconnect = backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 200 * time.Millisecond}

// Client opens a client that is closed with the test.
func (c *Collector) Client(tb testing.TB, transport Transport) *Client {
	tb.Helper()
	client := &Client{transport: transport, collector: c}
	if transport == GRPC {
		conn, err := grpc.NewClient(address(c.Setup.Ports.OTLPGRPC),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: time.Second}))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = conn.Close() })
		client.grpc = conn
		return client
	}
	client.http = &http.Client{Timeout: requestTimeout, Transport: &http.Transport{}}
	tb.Cleanup(client.http.CloseIdleConnections)
	return client
}

// Send sends one request. An answer other than success is an error; over HTTP it is a *StatusError.
func (c *Client) Send(ctx context.Context, request capture.Request) error {
	switch c.transport {
	case GRPC:
		return c.sendGRPC(ctx, request)
	case HTTPJSON:
		return c.sendHTTP(ctx, request, capture.JSON, "")
	case HTTPGzip:
		return c.sendHTTP(ctx, request, capture.Protobuf, "gzip")
	default:
		return c.sendHTTP(ctx, request, capture.Protobuf, "")
	}
}

// SendAll sends requests one after the other and stops at the first that is not accepted.
func (c *Client) SendAll(ctx context.Context, requests []capture.Request) error {
	for i, request := range requests {
		if err := c.Send(ctx, request); err != nil {
			return fmt.Errorf("request %d (%s) by %s: %w", i, request.Signal, c.transport, err)
		}
	}
	return nil
}

// SendMetrics sends metrics made by the test.
func (c *Client) SendMetrics(ctx context.Context, md pmetric.Metrics) error {
	request, err := capture.FromMetrics(md, capture.Protobuf)
	if err != nil {
		return err
	}
	return c.Send(ctx, request)
}

// StatusError is an HTTP answer other than 2xx.
type StatusError struct {
	Code int
	Body string
}

// Error shows the status and the beginning of the answer.
func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d: %s", e.Code, lastLines(e.Body, 5, 500))
}

// sendHTTP sends the body as it is where its encoding is the wanted one, and converted otherwise.
func (c *Client) sendHTTP(ctx context.Context, request capture.Request, encoding capture.Encoding, compression string) error {
	request, err := request.In(encoding)
	if err != nil {
		return err
	}
	if compression == "gzip" {
		if request.Body, err = Gzip(request.Body); err != nil {
			return err
		}
	}
	return c.Post(ctx, request, compression)
}

// Post sends a body over HTTP unchanged, with a Content-Encoding if one is given.
func (c *Client) Post(ctx context.Context, request capture.Request, contentEncoding string) error {
	url := "http://" + address(c.collector.Setup.Ports.OTLPHTTP) + "/v1/" + string(request.Signal)
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(request.Body))
	if err != nil {
		return err
	}
	post.Header.Set("Content-Type", map[capture.Encoding]string{
		capture.JSON: "application/json", capture.Protobuf: "application/x-protobuf",
	}[request.Encoding])
	if contentEncoding != "" {
		post.Header.Set("Content-Encoding", contentEncoding)
	}
	answer, err := c.http.Do(post)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return &StatusError{answer.StatusCode, string(text)}
	}
	return nil
}

func (c *Client) sendGRPC(ctx context.Context, request capture.Request) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	switch request.Signal {
	case capture.Metrics:
		body, err := request.MetricsRequest()
		if err != nil {
			return err
		}
		_, err = pmetricotlp.NewGRPCClient(c.grpc).Export(ctx, body)
		return err
	case capture.Logs:
		body, err := request.LogsRequest()
		if err != nil {
			return err
		}
		_, err = plogotlp.NewGRPCClient(c.grpc).Export(ctx, body)
		return err
	default:
		body, err := request.TracesRequest()
		if err != nil {
			return err
		}
		_, err = ptraceotlp.NewGRPCClient(c.grpc).Export(ctx, body)
		return err
	}
}

// Gzip compresses a body.
func Gzip(body []byte) ([]byte, error) {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, err := writer.Write(body)
	err = errors.Join(err, writer.Close())
	return out.Bytes(), err
}
