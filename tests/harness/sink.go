package harness

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// Sink is an OTLP/HTTP server that keeps the metrics it gets, in order.
type Sink struct {
	*httptest.Server
	mu     sync.Mutex
	got    []pmetric.Metrics
	failed error

	// refuse says for the n-th request, counted from 1, whether it is answered with 503 and forgotten.
	refuse   func(n int) bool
	requests int
}

// Refuse makes the sink answer some requests with 503, as a receiver does that is busy. n counts requests from 1.
func (s *Sink) Refuse(refuse func(n int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// StartSink starts a sink for the test.
func StartSink(tb testing.TB) *Sink {
	tb.Helper()
	sink := &Sink{}
	sink.Server = httptest.NewServer(http.HandlerFunc(sink.receive))
	tb.Cleanup(func() {
		sink.Close()
		if sink.failed != nil {
			tb.Errorf("the sink could not read a request: %v", sink.failed)
		}
	})
	return sink
}

// Received returns the requests so far.
func (s *Sink) Received() []pmetric.Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]pmetric.Metrics(nil), s.got...)
}

func (s *Sink) receive(w http.ResponseWriter, r *http.Request) {
	request := pmetricotlp.NewExportRequest()
	body, err := readBody(r)
	if err == nil {
		err = request.UnmarshalProto(body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed = err
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.requests++
	if s.refuse != nil && s.refuse(s.requests) {
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	s.got = append(s.got, request.Metrics())
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func readBody(r *http.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	return io.ReadAll(body)
}

// Proxy passes requests on to another server and keeps the statuses of the answers.
type Proxy struct {
	*httptest.Server
	mu      sync.Mutex
	answers []StatusError
}

// StartProxy starts a proxy in front of a server.
func StartProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	to, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := &Proxy{}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.ModifyResponse = proxy.note
	proxy.Server = httptest.NewServer(forward)
	tb.Cleanup(proxy.Close)
	return proxy
}

// Answers are the answers so far, with text only where they were no success.
func (p *Proxy) Answers() []StatusError {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]StatusError(nil), p.answers...)
}

func (p *Proxy) note(answer *http.Response) error {
	noted := StatusError{Code: answer.StatusCode}
	if answer.StatusCode/100 != 2 {
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		noted.Body = string(text)
		answer.Body = io.NopCloser(bytes.NewReader(text))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, noted)
	return nil
}
