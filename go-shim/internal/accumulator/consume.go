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
	if batch != nil {
		defer batch.Release()
		p.account(ctx, batch.Outcomes(), began)
	}
	if err != nil {
		return p.notTaken(ctx, md, err)
	}
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

// notTaken handles a request that the engine did not take, or could not write down. If the library stopped after a fault
// of its own, data still flows: the request goes on as the client sent it. Everything else is the sender's to know. What
// passes is an error that lets it send again: the ledger cannot be written (nothing is acknowledged that is not in it),
// or the engine was closed, by a reload for example. Nothing else would end better a second time.
func (p *Processor) notTaken(ctx context.Context, md pmetric.Metrics, err error) error {
	switch {
	case errors.Is(err, engine.ErrClosed):
		return err
	case errors.Is(err, engine.ErrStorage):
		p.telemetry.LedgerRefused(ctx)
		p.ledger.failed(err, time.Now())
		// Neither permanent nor with a status of its own: receivers answer 503 or UNAVAILABLE, and clients send again.
		return fmt.Errorf("%s cannot write its ledger, send again later: %w", p.id, err)
	case errors.Is(err, engine.ErrPoisoned):
		p.notices.enginePoisoned(err)
		p.telemetry.Poisoned(ctx)
		return p.next.ConsumeMetrics(ctx, md)
	default:
		return consumererror.NewPermanent(err)
	}
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
	now, held := time.Now(), p.engine.Stats()
	switch {
	case errors.Is(err, engine.ErrPoisoned):
		p.notices.enginePoisoned(err)
	case errors.Is(err, engine.ErrStorage):
		p.ledger.failed(err, now)
	default:
		p.ledger.look(held)
		if err != nil && ctx.Err() == nil { // a cancelled tick goes out again in Shutdown
			p.notices.tickRefused(now, err)
		}
	}
	p.notices.invalidPoints(0, now)
	p.room.look(now)
	p.notices.clockSteps(held.ClockStepsBack)
}
