// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// maintenanceInterval is the time between two rounds of a ledger's background work.
const maintenanceInterval = time.Second

// errLedgerStopped is the reason of the status, as health checks show it.
var errLedgerStopped = errors.New("the ledger cannot be written: requests are refused until it can be")

// ledger tells the collector and the log what happens to the ledger: what was found in it at the start, when it cannot
// be written, and when it can be again. Without a ledger it has nothing to tell.
type ledger struct {
	logger *zap.Logger
	health *health

	stop     limitedNotice
	maintain limitedNotice

	mu      sync.Mutex
	stopped bool
}

// opened says what the engine found in the ledger, each thing that is worth a line in one.
func (l *ledger) opened(directory string, opening engine.Opening) {
	place := zap.String("directory", directory)
	for _, warning := range opening.Warnings {
		l.logger.Warn(warning, place)
	}
	if opening.Damaged > 0 {
		l.logger.Error("parts of the ledger are damaged: they were kept aside in its directory, and what they held is missing from the totals; restore a backup, or go on without them",
			zap.Int64("damaged", opening.Damaged), place)
	}
	if !opening.Restored {
		l.logger.Info("a new ledger begins; totals will outlive a restart", place)
		return
	}
	l.logger.Info("totals are back from the ledger",
		zap.Int64("streams", opening.Streams), zap.Int64("source_streams", opening.SourceStreams),
		zap.Duration("took", opening.Took), zap.Time("made_at", opening.Created),
		zap.Time("last_written", opening.LastWritten), place)
	if opening.SettingsChanged {
		l.logger.Warn("identity or cardinality is set otherwise than when the ledger was written: its streams were brought together as the new settings say; totals that rules had added up before stay so",
			place)
	}
	if opening.ClockBehind > 0 {
		l.logger.Warn("the clock is behind the last moment in the ledger; times of output go on in steps of 1ms until it has caught up: check the time of this machine",
			zap.Duration("behind", opening.ClockBehind), zap.Time("last_written", opening.LastWritten), place)
	}
}

// failed takes in that the ledger could not be written.
func (l *ledger) failed(err error, now time.Time) {
	if due := l.stop.add(1, now); due > 0 {
		l.logger.Error("the ledger cannot be written: requests are refused with an error that lets clients send again, and no totals go out, until it can be",
			zap.Int64("times", due), zap.Error(err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	l.health.degrade(errLedgerStopped)
}

// look is called at each tick that did not fail for the ledger's sake, and finds out whether it can be written again.
func (l *ledger) look(held engine.Stats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped || held.LedgerStopped != 0 {
		return
	}
	l.stopped = false
	l.logger.Info("the ledger can be written again")
	l.health.restore(errLedgerStopped)
}

// endedUnwritten says what it means that the ledger could not be written at the end.
func (l *ledger) endedUnwritten(err error) {
	l.logger.Error("the ledger cannot be written at the end, so totals that were held back do not go out: what the ledger has goes out after the next start; what it lacks was never acknowledged, and clients send it again",
		zap.Error(err))
}

// maintenanceFailed takes in that background work could not be done: snapshots, usage, small files. Totals do not
// depend on it.
func (l *ledger) maintenanceFailed(err error, now time.Time) {
	if due := l.maintain.add(1, now); due > 0 {
		l.logger.Warn("the ledger's files cannot be kept in order (snapshots, usage for reports); totals stay exact, but files grow and a start takes longer",
			zap.Int64("times", due), zap.Error(err))
	}
}

// openFailure says why an engine could not be made. What a ledger's error says has the place and the remedy; that the
// other one which has the ledger may be in this collector is known here.
func openFailure(id component.ID, err error) error {
	var refused *engine.StorageError
	switch {
	case !errors.As(err, &refused):
		return fmt.Errorf("cannot create the engine of %s: %w", id, err)
	case refused.Trouble == engine.TroubleBusy:
		return fmt.Errorf("cannot open the ledger of %s: %w; if that is this collector itself, two metrics pipelines use %s: name the second one %s",
			id, err, id, anotherName(id))
	default:
		return fmt.Errorf("cannot open the ledger of %s: %w", id, err)
	}
}

// anotherName proposes an identifier for a second instance.
func anotherName(id component.ID) string {
	name := "2"
	if id.Name() == name {
		name = "3"
	}
	return component.NewIDWithName(id.Type(), name).String()
}

// maintainLedger does the ledger's background work once.
func (p *Processor) maintainLedger(ctx context.Context) {
	p.reportMaintenance(ctx, p.engine.Maintain(false))
}

// reportMaintenance reports background work that failed: nobody waits for it. What a poisoned engine says is said
// elsewhere.
func (p *Processor) reportMaintenance(ctx context.Context, err error) {
	if err == nil || errors.Is(err, engine.ErrPoisoned) {
		return
	}
	p.telemetry.MaintenanceFailed(ctx)
	p.ledger.maintenanceFailed(err, time.Now())
}
