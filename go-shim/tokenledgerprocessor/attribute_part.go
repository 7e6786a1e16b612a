// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/consumer"
	"go.uber.org/zap"
)

// attributionPart is one pipeline's part in attribution, between Start and Shutdown of its processor.
type attributionPart struct {
	*attributor
	gauges *gaugeEmitter
	user   *attributorUser // set by start
}

// newAttributionPart returns the part of a pipeline of logs or traces. a may be nil.
func newAttributionPart(a *attributor) *attributionPart { return &attributionPart{attributor: a} }

// newBudgetingPart returns the part of a metrics pipeline, which also sends the file's budgets to the next component. a
// may be nil.
func newBudgetingPart(a *attributor, next consumer.Metrics, logger *zap.Logger) *attributionPart {
	part := newAttributionPart(a)
	if a != nil && a.cfg.File != "" {
		part.gauges = newGaugeEmitter(next, logger, a.cfg.BudgetInterval, a.budgets)
	}
	return part
}

// isOn says whether anything is added, so that data is changed.
func (p *attributionPart) isOn() bool { return p.attributor != nil }

// start begins; a file that cannot be used is an error. report is told when that happens later, and nil when it is over.
func (p *attributionPart) start(report func(reason error)) error {
	user, err := p.attributor.join(report, p.gauges.wake)
	if err != nil {
		return err
	}
	p.user = user
	p.gauges.start()
	return nil
}

// stop ends what start began. It may be called without start, and again if ctx ends before.
func (p *attributionPart) stop(ctx context.Context) error {
	return errors.Join(p.gauges.stop(ctx), p.user.leave(ctx))
}
