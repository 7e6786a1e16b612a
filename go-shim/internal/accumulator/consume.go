// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// ConsumeMetrics adds the points of one request to their streams and hands what is to be seen now to the next
// consumer, in the caller's goroutine: the sender learns whether its request arrived.
func (p *Processor) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if p.engine == nil {
		return fmt.Errorf("%s %w", p.id, ErrNotStarted)
	}
	began := time.Now()
	defer p.inFlight.enter().Done()
	batch, err := p.engine.Consume(md, p.keys.selectFrom(ctx))
	if err != nil {
		return p.passUnchanged(ctx, md, err)
	}
	defer batch.Release()
	p.account(ctx, batch.Outcomes(), began)
	return p.deliver(ctx, md, batch)
}

// deliver hands a request on and tells the engine if it did not arrive. The sender then sends it again, which D3
// recognises, and the totals go out at the next tick (L4). A sender that no longer waits sends again as well.
func (p *Processor) deliver(ctx context.Context, md pmetric.Metrics, batch *engine.Batch) error {
	var err error
	if md.ResourceMetrics().Len() > 0 {
		err = p.next.ConsumeMetrics(ctx, md)
	}
	if err != nil || ctx.Err() != nil {
		batch.Refused()
	}
	return err
}

// passUnchanged handles a request that the engine did not take. If the library stopped after a fault of its own, data
// still flows: the request goes on as the client sent it. Everything else is the sender's to know; that the engine was
// closed, by a reload for example, passes, and so the request may come again; nothing else would end better a second time.
func (p *Processor) passUnchanged(ctx context.Context, md pmetric.Metrics, err error) error {
	if errors.Is(err, engine.ErrClosed) {
		return err
	}
	if !errors.Is(err, engine.ErrPoisoned) {
		return consumererror.NewPermanent(err)
	}
	p.notices.enginePoisoned(err)
	p.telemetry.Poisoned(ctx)
	return p.next.ConsumeMetrics(ctx, md)
}

// account reports what became of a request's points.
func (p *Processor) account(ctx context.Context, outcomes engine.Outcomes, began time.Time) {
	now := time.Now()
	p.telemetry.Batch(ctx, outcomes, now.Sub(began))
	if outcomes.Invalid > 0 {
		p.notices.invalidPoints(outcomes.Invalid, now)
	}
	p.room.note(outcomes, p.engine.Stats, now)
}

// Tick emits everything that is due, one delivery after the other. final is the tick of Shutdown, which also ends
// what is held (L5).
func (p *Processor) Tick(ctx context.Context, final bool) error {
	return p.engine.Tick(final, func(metadata engine.Metadata, md pmetric.Metrics) error {
		if err := p.inFlight.wait(ctx); err != nil {
			return err
		}
		return p.next.ConsumeMetrics(withMetadata(ctx, metadata), md)
	})
}

// periodicTick emits what is due and reports what nobody waits for.
func (p *Processor) periodicTick(ctx context.Context) {
	err := p.Tick(ctx, false)
	now := time.Now()
	if errors.Is(err, engine.ErrPoisoned) {
		p.notices.enginePoisoned(err)
	} else if err != nil && ctx.Err() == nil { // a cancelled tick goes out again in Shutdown
		p.notices.tickRefused(now, err)
	}
	p.notices.invalidPoints(0, now)
	p.room.look(now)
	p.notices.clockSteps(p.engine.Stats().ClockStepsBack)
}
