// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"time"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// Telemetry is what a component tells about itself, under names of its own. Its methods are safe for use by several
// goroutines.
type Telemetry interface {
	// Watch reports an engine's figures at each collection until Shutdown.
	Watch(stats func() engine.Stats) error
	// Batch counts what became of one request's points and how long that took.
	Batch(ctx context.Context, outcomes engine.Outcomes, took time.Duration)
	// Poisoned counts a request that passed on unchanged because the library stopped after a fault of its own.
	Poisoned(ctx context.Context)
	// LedgerRefused counts a request that was refused because the ledger could not be written.
	LedgerRefused(ctx context.Context)
	// MaintenanceFailed counts a round of the ledger's background work that failed.
	MaintenanceFailed(ctx context.Context)
	// Shutdown ends all reporting. It may be called again.
	Shutdown()
}
