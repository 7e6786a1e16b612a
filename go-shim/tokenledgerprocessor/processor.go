// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

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

// tickInterval is the time between two looks at held values with `emit: each` (D4).
const tickInterval = time.Second

// errNotStarted is returned to whoever sends data before Start.
var errNotStarted = errors.New("token_ledger has not been started")

// metricsProcessor turns the delta sums of one pipeline into cumulative ones.
//
// It does not use processorhelper, which calls the next consumer itself: the engine has to learn whether the next
// consumer took what it was given (L4).
type metricsProcessor struct {
	cfg       *Config
	keys      metadataKeys
	next      consumer.Metrics
	received  *receivedData
	telemetry *telemetry
	notices   notices

	// clock is nil for the system's clocks; tests set their own before Start.
	clock func() (wall time.Time, monotonic time.Duration)

	engine *engine.Engine // set by Start, safe for use by several goroutines
	ticker *ticker        // set by Start

	shutdown sync.Mutex // held by Shutdown, so that a second call waits for the first
	ended    bool
}

var _ processor.Metrics = (*metricsProcessor)(nil)

func newMetricsProcessor(set processor.Settings, cfg *Config, next consumer.Metrics, received *receivedData) (*metricsProcessor, error) {
	tel, err := newTelemetry(set, received)
	if err != nil {
		return nil, err
	}
	return &metricsProcessor{
		cfg:       cfg,
		keys:      newMetadataKeys(cfg.MetadataKeys),
		next:      next,
		received:  received,
		telemetry: tel,
		notices:   notices{logger: set.Logger},
	}, nil
}

// Capabilities says that data is changed in place.
func (p *metricsProcessor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start creates the engine and the goroutine that emits what is held. It fails if the binary was built without cgo,
// or with a library other than the one this package was built for.
func (p *metricsProcessor) Start(context.Context, component.Host) error {
	if err := p.createEngine(); err != nil {
		return err
	}
	p.ticker = startTicker(p.tickEvery(), p.periodicTick)
	return nil
}

func (p *metricsProcessor) createEngine() error {
	eng, err := engine.New(p.engineConfig())
	if err != nil {
		return fmt.Errorf("cannot create the engine of token_ledger: %w", err)
	}
	if err := p.telemetry.watch(eng); err != nil {
		eng.Close()
		return err
	}
	p.engine = eng
	return nil
}

func (p *metricsProcessor) engineConfig() engine.Config {
	return engine.Config{
		MaxStale:        p.cfg.MaxStale,
		MaxLag:          p.cfg.MaxLag,
		FirstValueDelay: p.cfg.FirstValueDelay,
		Emit:            engine.Emit(p.cfg.Emit),
		Retransmissions: engine.Retransmissions(p.cfg.Retransmissions),
		MaxStreams:      p.cfg.Cardinality.MaxStreams,
		Clock:           p.clock,
	}
}

// tickEvery returns how often something is emitted that no request carries along: held values each second (D4), or
// everything once per interval (L3).
func (p *metricsProcessor) tickEvery() time.Duration {
	if p.cfg.Emit == emitInterval {
		return p.cfg.FlushInterval
	}
	return tickInterval
}

// Shutdown emits whatever is held before it returns, and leaves nothing running (L5). It may be called without Start,
// and again. If ctx ends while a tick is still on its way, nothing is torn down and the next call goes on.
func (p *metricsProcessor) Shutdown(ctx context.Context) error {
	p.shutdown.Lock()
	defer p.shutdown.Unlock()
	if p.ended {
		return nil
	}
	if err := p.ticker.stop(ctx); err != nil {
		return fmt.Errorf("token_ledger waits for the next component to take totals: %w", err)
	}
	p.ended = true
	defer p.telemetry.shutdown()
	if p.engine == nil {
		return nil
	}
	return p.endEngine(ctx)
}

// endEngine emits what is held and gives the engine's memory back.
func (p *metricsProcessor) endEngine(ctx context.Context) error {
	defer p.engine.Close()
	err := p.tick(ctx, true)
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
