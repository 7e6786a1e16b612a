// SPDX-License-Identifier: Apache-2.0

package lokitest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Path is where Loki takes requests.
const Path = "/loki/api/v1/push"

// Request is one that the stand-in could read.
type Request struct {
	// Tenant is the header X-Scope-OrgID, Header all of them.
	Tenant  string
	Header  http.Header
	Streams []Stream
}

// Lines counts the entries of a request.
func (r Request) Lines() int {
	lines := 0
	for _, s := range r.Streams {
		lines += len(s.Entries)
	}
	return lines
}

// Answer is what the stand-in says to a request; the zero value is 204, as Loki answers.
type Answer struct {
	Status     int
	RetryAfter string
	Text       string
}

// Loki is the stand-in: an http.Handler for Path.
type Loki struct {
	// DemandTenant refuses requests without X-Scope-OrgID, as Loki does with auth_enabled.
	DemandTenant bool
	// Answers decides about the n-th readable request, from 0; nil takes all.
	Answers func(n int, r Request) Answer

	mu       sync.Mutex
	received int
	taken    []Request
	faults   []string
}

// Start serves the stand-in over HTTP until the test ends, and returns the endpoint. A request that it could not read
// fails the test.
func (l *Loki) Start(tb testing.TB) string {
	tb.Helper()
	server := httptest.NewServer(l)
	tb.Cleanup(server.Close)
	l.CheckAtEnd(tb)
	return server.URL + Path
}

// CheckAtEnd fails the test if a request could not be read.
func (l *Loki) CheckAtEnd(tb testing.TB) {
	tb.Cleanup(func() {
		for _, fault := range l.Faults() {
			tb.Errorf("Loki could not read a request: %s", fault)
		}
	})
}

// Taken are the requests that were answered with 2xx.
func (l *Loki) Taken() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Request(nil), l.taken...)
}

// Received counts readable requests, taken or not.
func (l *Loki) Received() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.received
}

// Faults say why requests could not be read.
func (l *Loki) Faults() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.faults...)
}

// Lines counts the entries that were taken.
func (l *Loki) Lines() int {
	lines := 0
	for _, r := range l.Taken() {
		lines += r.Lines()
	}
	return lines
}

// ServeHTTP reads a request and answers it.
func (l *Loki) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := l.read(r)
	if err != nil {
		l.mu.Lock()
		l.faults = append(l.faults, err.Error())
		l.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if l.DemandTenant && request.Tenant == "" {
		http.Error(w, "no org id", http.StatusUnauthorized)
		return
	}
	l.mu.Lock()
	n := l.received
	l.received++
	l.mu.Unlock()
	answer := Answer{}
	if l.Answers != nil {
		answer = l.Answers(n, request)
	}
	if answer.Status == 0 {
		answer.Status = http.StatusNoContent
	}
	if answer.Status < 300 {
		l.mu.Lock()
		l.taken = append(l.taken, request)
		l.mu.Unlock()
	}
	if answer.RetryAfter != "" {
		w.Header().Set("Retry-After", answer.RetryAfter)
	}
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Text)
}

func (l *Loki) read(r *http.Request) (Request, error) {
	body, err := readBody(r)
	switch {
	case err != nil:
		return Request{}, err
	case r.Method != http.MethodPost || r.URL.Path != Path:
		return Request{}, fmt.Errorf("%s %s", r.Method, r.URL.Path)
	case r.Header.Get("Content-Type") != "application/x-protobuf":
		return Request{}, fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
	case len(r.Header.Values("X-Scope-OrgID")) > 1:
		return Request{}, fmt.Errorf("tenants %q", r.Header.Values("X-Scope-OrgID"))
	}
	streams, err := Decode(body)
	return Request{Tenant: r.Header.Get("X-Scope-OrgID"), Header: r.Header.Clone(), Streams: streams}, err
}

// readBody takes the envelope off that Loki takes off: none or gzip.
func readBody(r *http.Request) ([]byte, error) {
	var body io.Reader = r.Body
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "":
	case "gzip":
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = unpacked
	default:
		return nil, fmt.Errorf("content encoding %q", encoding)
	}
	return io.ReadAll(io.LimitReader(body, maxBody))
}
