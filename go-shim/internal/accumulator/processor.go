// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// HeldTickInterval is the time between two looks at held values where requests carry their own output (D4).
const HeldTickInterval = time.Second

// ErrNotStarted is returned to whoever sends data before Start.
var ErrNotStarted = errors.New("has not been started")

// Settings are what a component makes of its configuration.
type Settings struct {
	// Engine is the engine's configuration.
	Engine engine.Config
	// MetadataKeys names the client metadata that is part of identity, without regard to case.
	MetadataKeys []string
	// TickInterval is how often output goes out that no request carries along: HeldTickInterval with
	// engine.EmitEach, else the time between two outputs (L3).
	TickInterval time.Duration
	// Remedy says, in the words of the component's configuration, what to do where points find no room (T5).
	Remedy string
}

// Processor turns the metrics of one pipeline into cumulative totals.
//
// It does not use processorhelper, which calls the next consumer itself: the engine has to learn whether the next
// consumer took what it was given (L4).
type Processor struct {
	id        component.ID
	settings  Settings
	keys      metadataKeys
	next      consumer.Metrics
	telemetry Telemetry
	notices   notices
	health    *health
	room      room
	ledger    ledger
	inFlight  inFlight

	engine     *engine.Engine // set by Open, safe for use by several goroutines
	ticker     *ticker        // set by Start
	maintainer *ticker        // set by Start if there is a ledger

	shutdown sync.Mutex // held by Shutdown, so that a second call waits for the first
	ended    bool
}

var _ processor.Metrics = (*Processor)(nil)

// New returns a processor that is not started yet. From now on telemetry is shut down with it.
func New(set processor.Settings, settings Settings, next consumer.Metrics, telemetry Telemetry) *Processor {
	well := &health{}
	return &Processor{
		id:        set.ID,
		settings:  settings,
		keys:      newMetadataKeys(settings.MetadataKeys),
		next:      next,
		telemetry: telemetry,
		notices:   notices{logger: set.Logger},
		health:    well,
		room:      room{logger: set.Logger, health: well, remedy: settings.Remedy},
		ledger:    ledger{logger: set.Logger, health: well},
	}
}

// Capabilities says that data is changed in place.
func (p *Processor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start creates the engine with its ledger, and the goroutines that emit what is held and keep the ledger in order. It
// fails if the binary was built without cgo, or with a library other than the one this package was built for, or if the
// ledger cannot be opened.
func (p *Processor) Start(_ context.Context, host component.Host) error {
	p.health.host = host
	if err := p.Open(); err != nil {
		return err
	}
	p.ticker = startTicker(p.settings.TickInterval, p.periodicTick)
	if p.settings.Engine.Storage.Enabled() {
		p.maintainer = startTicker(maintenanceInterval, p.maintainLedger)
	}
	return nil
}

// Open is Start without the goroutines, for tests that tick themselves.
func (p *Processor) Open() error {
	storage := p.settings.Engine.Storage
	eng, err := engine.New(p.settings.Engine)
	if err != nil {
		return openFailure(p.id, err)
	}
	if storage.Enabled() {
		p.ledger.opened(storage.Directory, eng.Opening())
	}
	if err := p.telemetry.Watch(eng.Stats); err != nil {
		eng.Close()
		return err
	}
	p.engine = eng
	return nil
}

// Shutdown emits whatever is held before it returns, and leaves nothing running (L5). It may be called without Start,
// and again. If ctx ends while a tick or the ledger's background work is still on its way, nothing is torn down and the
// next call goes on.
func (p *Processor) Shutdown(ctx context.Context) error {
	p.shutdown.Lock()
	defer p.shutdown.Unlock()
	if p.ended {
		return nil
	}
	if err := p.ticker.stop(ctx); err != nil {
		return fmt.Errorf("%s waits for the next component to take totals: %w", p.id, err)
	}
	if err := p.maintainer.stop(ctx); err != nil {
		return fmt.Errorf("%s waits for its ledger to be written: %w", p.id, err)
	}
	p.ended = true
	defer p.telemetry.Shutdown()
	if p.engine == nil {
		return nil
	}
	return p.endEngine(ctx)
}

// endEngine emits what is held, brings the ledger up to date, and gives the engine's memory back.
func (p *Processor) endEngine(ctx context.Context) error {
	defer p.engine.Close()
	err := p.Tick(ctx, true)
	if p.settings.Engine.Storage.Enabled() {
		p.reportMaintenance(ctx, p.engine.Maintain(true))
	} else if streams := p.engine.Stats().Streams; streams > 0 {
		p.notices.totalsEnd(streams)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrPoisoned):
		p.notices.enginePoisoned(err)
		return nil // said once, and there is nothing left to emit
	case errors.Is(err, engine.ErrStorage):
		p.ledger.endedUnwritten(err)
		return fmt.Errorf("%s could not write its ledger at the end: %w", p.id, err)
	default:
		return fmt.Errorf("the next component refused the last totals: %w", err)
	}
}

// Stats says what the engine holds; zero before Start.
func (p *Processor) Stats() engine.Stats {
	if p.engine == nil {
		return engine.Stats{}
	}
	return p.engine.Stats()
}

// SetPrices makes the engine compute costs from a price table from now on.
func (p *Processor) SetPrices(prices *engine.Prices) error { return p.engine.SetPrices(prices) }

// Reporter returns a function that shows a reason of the component's own, and its end with nil, beside the
// accumulator's reasons. It is to be used by one goroutine at a time.
func (p *Processor) Reporter() func(reason error) {
	var former error
	return func(reason error) {
		p.health.replace(former, reason)
		former = reason
	}
}

// InjectFullDisk makes the ledger refuse to be written, or not any more: a drill for tests.
func (p *Processor) InjectFullDisk(full bool) { p.engine.InjectFullDisk(full) }

// InjectPanic makes the library's next call panic: a drill for tests.
func (p *Processor) InjectPanic() { p.engine.InjectPanic() }
