// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Scenario: a request is on its way when somebody waits, another one begins after that. Guarantee: the wait ends with
// the first one, whatever the second does; an ended context ends it early.
func TestTicksWaitForEarlierRequestsOnly(t *testing.T) {
	var f inFlight
	require.NoError(t, f.wait(t.Context()), "nothing is on its way")
	first := f.enter()
	ended := make(chan error)
	go func() { ended <- f.wait(t.Context()) }()
	assert.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.current == nil
	}, 10*time.Second, time.Millisecond, "the wait has begun")
	second := f.enter()
	select {
	case <-ended:
		assert.Fail(t, "it did not wait for the first request")
	default:
	}
	first.Done()
	assert.NoError(t, <-ended)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, f.wait(over), context.Canceled)
	second.Done()
}
