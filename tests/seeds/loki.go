package seeds

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// Loki stands in for the store that knows only its push API, on a listener of the test's own network.
type Loki struct {
	standIn lokitest.Loki
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
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: &l.standIn, ReadHeaderTimeout: time.Minute}}
	server.Start()
	l.standIn.CheckAtEnd(tb)
	tb.Cleanup(server.Close)
	return l
}

// Lines are those stored so far.
func (l *Loki) Lines() []Line {
	var lines []Line
	for _, request := range l.standIn.Taken() {
		for _, stream := range request.Streams {
			for _, entry := range stream.Entries {
				lines = append(lines, Line{Labels: stream.Labels, Time: entry.Time, Text: entry.Line})
			}
		}
	}
	return lines
}
