//go:build image

package image

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// recording is what a real client sent in two sessions, with times that end now.
func recording(t *testing.T) capture.Capture {
	t.Helper()
	recorded := capture.Load(t, harness.MustRoot(t), "2.1.329", capture.Protobuf)
	requests := recorded.InOrderOfTime(t)
	age := time.Since(capture.Time(t, requests[len(requests)-1]))
	shifted := make([]capture.Request, 0, len(requests))
	for _, request := range requests {
		shifted = append(shifted, capture.Shift(t, request, age))
	}
	return recorded.WithRequests(shifted)
}

// client sends to the ports that a container publishes as its users expect them.
func client(t *testing.T, transport harness.Transport) *harness.Client {
	t.Helper()
	collector := &harness.Collector{Setup: harness.Setup{Ports: harness.Ports{OTLPGRPC: 4317, OTLPHTTP: 4318}}}
	return collector.Client(t, transport)
}

// tokens is the truth about all sessions of a recording.
func tokens(t *testing.T, c capture.Capture) float64 {
	t.Helper()
	sum := 0.0
	for _, session := range c.Sessions {
		for _, count := range session.Tokens {
			sum += count
		}
	}
	require.Positive(t, sum)
	return sum
}

// same compares totals of series: tokens and counts to the last one, sums of costs and durations up to rounding.
func same(want, got capture.Totals) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d series instead of %d", len(got), len(want))
	}
	for key, value := range want {
		found, present := got[key]
		if !present || math.Abs(found-value) > 1e-9*math.Abs(value) {
			return fmt.Errorf("%s: %v instead of %v", key, found, value)
		}
	}
	return nil
}
