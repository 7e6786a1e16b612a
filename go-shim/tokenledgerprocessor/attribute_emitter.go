// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.uber.org/zap"
)

// gaugeEmitter sends what files say as gauges: at the start, at fixed intervals, so that exporters go on showing them,
// and soon after a change. What a file does not say any more is not sent any more.
type gaugeEmitter struct {
	next     consumer.Metrics
	logger   *zap.Logger
	interval time.Duration
	source   func() []gauge

	wakeUp chan struct{}
	cancel context.CancelFunc // set by start
	done   chan struct{}
	failed bool // used by the goroutine only
}

// newGaugeEmitter returns an emitter that is not started yet; nil, which does nothing, if interval is 0. source may be
// called at any time until stop has returned.
func newGaugeEmitter(next consumer.Metrics, logger *zap.Logger, interval time.Duration, source func() []gauge) *gaugeEmitter {
	if interval <= 0 {
		return nil
	}
	return &gaugeEmitter{next: next, logger: logger, interval: interval, source: source, wakeUp: make(chan struct{}, 1)}
}

// start begins to send.
func (e *gaugeEmitter) start() {
	if e == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel, e.done = cancel, make(chan struct{})
	go e.run(ctx)
}

// wake sends soon, because something has changed. It never waits, and may be called before start.
func (e *gaugeEmitter) wake() {
	if e == nil {
		return
	}
	select {
	case e.wakeUp <- struct{}{}:
	default: // it is awake already
	}
}

// stop ends the sending and waits for a delivery under way, at most until ctx ends; then it may be called again. Without
// start there is nothing to do.
func (e *gaugeEmitter) stop(ctx context.Context) error {
	if e == nil || e.cancel == nil {
		return nil
	}
	e.cancel()
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the next component has not taken the budgets yet: %w", ctx.Err())
	}
}

func (e *gaugeEmitter) run(ctx context.Context) {
	defer close(e.done)
	clock := time.NewTicker(e.interval)
	defer clock.Stop()
	for {
		e.emit(ctx)
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		case <-e.wakeUp:
		}
	}
}

// emit sends everything once. What is refused goes out again at the next turn, so one line at the first refusal is
// enough, and one when it is over.
func (e *gaugeEmitter) emit(ctx context.Context) {
	md, found := gaugeMetrics(time.Now(), e.source())
	if !found || ctx.Err() != nil {
		return
	}
	err := e.next.ConsumeMetrics(ctx, md)
	switch {
	case err != nil && ctx.Err() == nil && !e.failed:
		e.failed = true
		e.logger.Warn("the next component refused the budgets; they go out again at each turn", zap.Duration("every", e.interval), zap.Error(err))
	case err == nil && e.failed:
		e.failed = false
		e.logger.Info("the next component takes the budgets again")
	}
}
