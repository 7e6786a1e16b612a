package seeds

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Loki stands in for the store that knows only its push API.
type Loki struct {
	mu     sync.Mutex
	lines  []Line
	faults []string
}

// Line is one stored line with the labels of its stream.
type Line struct {
	Labels map[string]string
	Time   time.Time
	Text   string
}

// StartLoki serves on a listener until the test ends, and fails it if it got anything that it should not.
func StartLoki(tb testing.TB, listener net.Listener) *Loki {
	tb.Helper()
	l := &Loki{}
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: http.HandlerFunc(l.receive), ReadHeaderTimeout: time.Minute,
	}}
	server.Start()
	tb.Cleanup(func() {
		server.Close()
		for _, fault := range l.faults {
			tb.Errorf("Loki would refuse: %s", fault)
		}
	})
	return l
}

// Lines are those stored so far.
func (l *Loki) Lines() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Line(nil), l.lines...)
}

// pushPath is where Loki takes lines.
const pushPath = "/loki/api/v1/push"

func (l *Loki) receive(w http.ResponseWriter, r *http.Request) {
	lines, err := readPush(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.faults = append(l.faults, err.Error())
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.lines = append(l.lines, lines...)
	w.WriteHeader(http.StatusNoContent) // as Loki answers
}

func readPush(r *http.Request) ([]Line, error) {
	if r.Method != http.MethodPost || r.URL.Path != pushPath {
		return nil, fmt.Errorf("%s %s: only POST %s", r.Method, r.URL.Path, pushPath)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/x-protobuf" {
		return nil, fmt.Errorf("the content type is %q", kind)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return decodePush(body)
}
