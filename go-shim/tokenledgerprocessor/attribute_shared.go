// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/attribution"
	"github.com/tokenledger/tokenledger/go-shim/internal/reload"
)

// attributors are those of one collector: a component that is in several pipelines has one, so that its file is read
// once, and no pipeline goes by another version of it than its neighbour. The zero value is ready.
type attributors struct {
	mu   sync.Mutex
	byID map[component.ID]*attributor
}

// of returns the attributor of a component, nil if attribution is off. The collector gives the same cfg to all pipelines
// of a component, and another one after a reload of its configuration.
func (a *attributors) of(id component.ID, cfg *AttributionConfig, logger *zap.Logger) *attributor {
	if !cfg.enabled {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.byID[id]; known != nil && known.cfg == cfg {
		return known
	}
	if a.byID == nil {
		a.byID = map[component.ID]*attributor{}
	}
	a.byID[id] = newAttributor(cfg, logger)
	return a.byID[id]
}

// attributor adds to the telemetry of one component whose usage it is, and keeps its file in step. A nil attributor adds
// nothing.
type attributor struct {
	cfg    *AttributionConfig
	logger *zap.Logger
	core   *attribution.Attributor

	lifecycle sync.Mutex // held by join and leave, which may wait for a file
	users     []*attributorUser
	watcher   *reload.Watcher

	mu      sync.Mutex // guards what the watcher's goroutine uses
	reports []*attributorUser
	failure error
}

// attributorUser is one pipeline's part in an attributor.
type attributorUser struct {
	of      *attributor
	report  func(reason error)
	changed func()
}

func newAttributor(cfg *AttributionConfig, logger *zap.Logger) *attributor {
	return &attributor{cfg: cfg, logger: logger, core: attribution.New(cfg.settings())}
}

// join starts the watch of the file with the first pipeline; a file that cannot be used is an error then. report is told
// when the file cannot be used any more, and nil when it can; changed is called after each change of it.
func (a *attributor) join(report func(reason error), changed func()) (*attributorUser, error) {
	if a == nil {
		return nil, nil
	}
	a.lifecycle.Lock()
	defer a.lifecycle.Unlock()
	if len(a.users) == 0 && a.cfg.File != "" {
		watcher := a.newWatcher()
		if err := watcher.Start(); err != nil {
			return nil, err
		}
		a.watcher = watcher
	}
	user := &attributorUser{of: a, report: report, changed: changed}
	a.users = append(a.users, user)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reports = slices.Clone(a.users)
	if a.failure != nil {
		report(a.failure)
	}
	return user, nil
}

// leave ends a pipeline's part; the watch ends with the last one. If ctx ends before, leave may be called again. A nil
// user has nothing to leave.
func (u *attributorUser) leave(ctx context.Context) error {
	if u == nil {
		return nil
	}
	a := u.of
	a.lifecycle.Lock()
	defer a.lifecycle.Unlock()
	at := slices.Index(a.users, u)
	if at < 0 {
		return nil
	}
	if len(a.users) == 1 {
		if err := a.watcher.Shutdown(ctx); err != nil {
			return err
		}
		a.watcher = nil
	}
	a.users = slices.Delete(slices.Clone(a.users), at, at+1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reports = slices.Clone(a.users)
	if len(a.users) == 0 {
		a.failure = nil
	}
	return nil
}

func (a *attributor) newWatcher() *reload.Watcher {
	return reload.New(reload.Settings{
		What: "the attribution file", Path: a.cfg.File, Interval: a.cfg.ReloadInterval,
		Apply: a.load, Status: a.setStatus, Logger: a.logger,
	})
}

// load takes a content of the file into use.
func (a *attributor) load(content []byte) error {
	if err := a.core.Load(a.cfg.File, content); err != nil {
		return err
	}
	a.logger.Info("usage is attributed by a file",
		zap.String("path", a.cfg.File), zap.Int("users", a.core.Users()), zap.Int("budgets", len(a.core.Budgets())))
	for _, user := range a.listeners() {
		user.changed()
	}
	return nil
}

// setStatus tells all pipelines that the file cannot be used, or can be again.
func (a *attributor) setStatus(reason error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failure = reason
	for _, user := range a.reports {
		user.report(reason)
	}
}

func (a *attributor) listeners() []*attributorUser {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reports
}

// Metrics completes the points of one request, before anything is counted.
func (a *attributor) Metrics(md pmetric.Metrics) {
	if a != nil {
		a.core.Metrics(md)
	}
}

// Logs completes the records of one request.
func (a *attributor) Logs(ld plog.Logs) {
	if a != nil {
		a.core.Logs(ld)
	}
}

// Traces completes the spans of one request.
func (a *attributor) Traces(td ptrace.Traces) {
	if a != nil {
		a.core.Traces(td)
	}
}

// budgets are the limits of the file in use, as a metric.
func (a *attributor) budgets() []gauge {
	if a == nil || a.cfg.BudgetInterval == 0 {
		return nil
	}
	return budgetGauges(a.core.Budgets())
}
