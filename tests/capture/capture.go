// Package capture reads the recorded request bodies of real clients (tests/data/captures) and changes them in ways
// that networks, proxies and clients do: repeated, reordered, merged, shifted in time.
package capture

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Signal is what a request carries, spelt as in the last part of its OTLP/HTTP path.
type Signal string

// The signals of OTLP that clients send.
const (
	Metrics Signal = "metrics"
	Logs    Signal = "logs"
	Traces  Signal = "traces"
)

// Encoding is how a body is written.
type Encoding string

// The two encodings of OTLP/HTTP, named as the capture directories end.
const (
	JSON     Encoding = "json"
	Protobuf Encoding = "protobuf"
)

// Request is one body as a client sent it.
type Request struct {
	Signal   Signal
	Encoding Encoding
	Body     []byte
}

// Capture is a sequence of requests in order of arrival, with what is known about the sessions in it.
type Capture struct {
	Name     string
	Requests []Request
	Sessions []Session
}

// Session is the truth about one client session, known from the script of the recording and not from telemetry.
type Session struct {
	ID     string             `json:"session_id"`
	Model  string             `json:"model"`
	Tokens map[string]float64 `json:"tokens"`   // by the attribute type
	Cost   float64            `json:"cost_usd"` // US dollars
}

// Versions are the client versions of which captures exist.
var Versions = []string{"2.1.197", "2.1.329"}

// Load reads the capture of a client version in an encoding. It fails the test if there is none.
func Load(tb testing.TB, root, version string, encoding Encoding) Capture {
	tb.Helper()
	dir := filepath.Join(root, "tests", "data", "captures", "claude-code-"+version, "two-sessions-"+string(encoding))
	c := Capture{Name: version + "-" + string(encoding)}
	entries, err := os.ReadDir(dir) // sorted by name, and names begin with the number of arrival
	require.NoError(tb, err)
	for _, entry := range entries {
		signal, isBody := signalOf(entry.Name())
		if !isBody {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(tb, err)
		c.Requests = append(c.Requests, Request{Signal: signal, Encoding: encoding, Body: body})
	}
	require.NotEmpty(tb, c.Requests, "no request bodies in %s", dir)

	truth, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	require.NoError(tb, err)
	var known struct{ Sessions []Session }
	require.NoError(tb, json.Unmarshal(truth, &known))
	c.Sessions = known.Sessions
	require.NotEmpty(tb, c.Sessions, "no sessions in the truth.json of %s", dir)
	return c
}

// signalOf reads the signal from a file name such as 0001_v1_metrics.json.
func signalOf(name string) (Signal, bool) {
	stem, _, _ := strings.Cut(name, ".")
	parts := strings.Split(stem, "_v1_")
	if len(parts) != 2 {
		return "", false
	}
	return Signal(parts[1]), true
}

// Of returns the requests of one signal, in order.
func (c Capture) Of(signal Signal) []Request {
	var out []Request
	for _, request := range c.Requests {
		if request.Signal == signal {
			out = append(out, request)
		}
	}
	return out
}

// Renamed gives the sessions of a capture other ids, so that one collector can take the same capture many times
// without mistaking it for a retransmission. An id is replaced by one of the same length inside the bodies, which
// are otherwise the bytes that the client sent.
func (c Capture) Renamed(label string) Capture {
	out := Capture{Name: c.Name + "/" + label, Requests: make([]Request, len(c.Requests))}
	copy(out.Requests, c.Requests)
	for _, session := range c.Sessions {
		id := sessionID(label, session.ID)
		for i := range out.Requests {
			out.Requests[i].Body = bytes.ReplaceAll(out.Requests[i].Body, []byte(session.ID), []byte(id))
		}
		session.ID = id
		out.Sessions = append(out.Sessions, session)
	}
	return out
}

// sessionID derives an id in the form of a UUID.
func sessionID(label, original string) string {
	sum := sha256.Sum256([]byte(label + "\x00" + original))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
