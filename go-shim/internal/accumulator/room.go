// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// recoveryTime is how long every point has to find room before that counts as recovered: long enough that clients
// which send each minute cannot make the status flap.
const recoveryTime = time.Minute

// errNoRoom is the reason of the status, as health checks show it.
var errNoRoom = errors.New("points find no room of their own: the limit of streams or of memory is reached")

// room tells the collector and the log when points find no room of their own (T5), and when that has ended: once
// each, not for each point.
type room struct {
	logger *zap.Logger
	health *health
	remedy string

	mu      sync.Mutex
	scarce  bool
	latest  time.Time // of a point without room
	reports int       // for the log: how often it has become scarce
}

// note takes in what became of a request's points.
func (r *room) note(outcomes engine.Outcomes, stats func() engine.Stats, now time.Time) {
	if outcomes.Overflow == 0 && outcomes.Refused == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = now
	if r.scarce {
		return
	}
	r.scarce = true
	r.reports++
	held := stats()
	r.logger.Warn("points find no room of their own: sums go on in overflow streams with otel.metric.overflow=true, other points are refused; "+r.remedy,
		zap.Int64("overflow", outcomes.Overflow), zap.Int64("refused", outcomes.Refused),
		zap.Int64("streams", held.Streams), zap.Int64("streams_limit", held.MaxStreams),
		zap.Int64("memory_bytes", held.MemoryBytes()), zap.Int64("memory_limit", held.MaxMemoryBytes),
		zap.Int("times", r.reports))
	r.health.degrade(errNoRoom)
}

// look is called at each tick and finds out whether it has ended.
func (r *room) look(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.scarce || now.Sub(r.latest) < recoveryTime {
		return
	}
	r.scarce = false
	r.logger.Info("all points have found room of their own for a minute")
	r.health.restore(errNoRoom)
}
