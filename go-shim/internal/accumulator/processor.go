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
	room      room
	inFlight  inFlight

	engine *engine.Engine // set by Open, safe for use by several goroutines
	ticker *ticker        // set by Start

	shutdown sync.Mutex // held by Shutdown, so that a second call waits for the first
	ended    bool
}

var _ processor.Metrics = (*Processor)(nil)

// New returns a processor that is not started yet. From now on telemetry is shut down with it.
func New(set processor.Settings, settings Settings, next consumer.Metrics, telemetry Telemetry) *Processor {
	return &Processor{
		id:        set.ID,
		settings:  settings,
		keys:      newMetadataKeys(settings.MetadataKeys),
		next:      next,
		telemetry: telemetry,
		notices:   notices{logger: set.Logger},
		room:      room{logger: set.Logger, remedy: settings.Remedy},
	}
}

// Capabilities says that data is changed in place.
func (p *Processor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start creates the engine and the goroutine that emits what is held. It fails if the binary was built without cgo,
// or with a library other than the one this package was built for.
func (p *Processor) Start(_ context.Context, host component.Host) error {
	p.room.host = host
	if err := p.Open(); err != nil {
		return err
	}
	p.ticker = startTicker(p.settings.TickInterval, p.periodicTick)
	return nil
}

// Open is Start without the goroutine, for tests that tick themselves.
func (p *Processor) Open() error {
	eng, err := engine.New(p.settings.Engine)
	if err != nil {
		return fmt.Errorf("cannot create the engine of %s: %w", p.id, err)
	}
	if err := p.telemetry.Watch(eng.Stats); err != nil {
		eng.Close()
		return err
	}
	p.engine = eng
	return nil
}

// Shutdown emits whatever is held before it returns, and leaves nothing running (L5). It may be called without Start,
// and again. If ctx ends while a tick is still on its way, nothing is torn down and the next call goes on.
func (p *Processor) Shutdown(ctx context.Context) error {
	p.shutdown.Lock()
	defer p.shutdown.Unlock()
	if p.ended {
		return nil
	}
	if err := p.ticker.stop(ctx); err != nil {
		return fmt.Errorf("%s waits for the next component to take totals: %w", p.id, err)
	}
	p.ended = true
	defer p.telemetry.Shutdown()
	if p.engine == nil {
		return nil
	}
	return p.endEngine(ctx)
}

// endEngine emits what is held and gives the engine's memory back.
func (p *Processor) endEngine(ctx context.Context) error {
	defer p.engine.Close()
	err := p.Tick(ctx, true)
	if streams := p.engine.Stats().Streams; streams > 0 {
		p.notices.totalsEnd(streams)
	}
	if errors.Is(err, engine.ErrPoisoned) {
		p.notices.enginePoisoned(err)
		return nil // said once, and there is nothing left to emit
	}
	if err != nil {
		return fmt.Errorf("the next component refused the last totals: %w", err)
	}
	return nil
}

// Stats says what the engine holds; zero before Start.
func (p *Processor) Stats() engine.Stats {
	if p.engine == nil {
		return engine.Stats{}
	}
	return p.engine.Stats()
}

// InjectPanic makes the library's next call panic: a drill for tests.
func (p *Processor) InjectPanic() { p.engine.InjectPanic() }
