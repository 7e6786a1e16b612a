// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/pricing"
	"github.com/tokenledger/tokenledger/go-shim/internal/reload"
)

// countingConnector counts the requests of one signal. It keeps nothing but the memory of what was counted: metrics
// leave with the batch that brought their requests.
type countingConnector struct {
	cfg    *Config
	writes events.CacheWrites
	next   consumer.Metrics
	prices priceTable
	memory *memory
	tel    *telemetry
	// version is the collector's, for the scope.
	version string
	// open makes the price table, in Start.
	open openTable
	// ended is called by Shutdown, and does something once.
	ended func()
	// running is set between Start and Shutdown.
	running atomic.Bool
	logger  *zap.Logger
}

// priceTable is the table that requests are priced by: pricing.Table.
type priceTable interface {
	events.Pricer
	Start() error
	Shutdown(context.Context) error
}

// openTable makes a price table that is not loaded yet.
type openTable func(pricing.Settings) priceTable

// errNotRunning goes to a sender before Start and after Shutdown, so that it keeps its data.
var errNotRunning = errors.New("the connector is not running")

var (
	_ connector.Logs   = (*countingConnector)(nil)
	_ connector.Traces = (*countingConnector)(nil)
)

func newConnector(set connector.Settings, cfg *Config, next consumer.Metrics, open openTable) (*countingConnector, error) {
	writes, err := events.ParseCacheWrites(cfg.Pricing.CacheWrites)
	if err != nil {
		return nil, err // Validate has said it with the key
	}
	memory := newMemory(cfg.Deduplication, time.Now)
	tel, err := newTelemetry(set, memory)
	if err != nil {
		return nil, err
	}
	return &countingConnector{
		cfg:     cfg,
		writes:  writes,
		next:    next,
		open:    open,
		logger:  set.Logger,
		memory:  memory,
		tel:     tel,
		version: set.BuildInfo.Version,
		ended:   func() {},
	}, nil
}

// CountsEvents marks the component as one that makes totals out of events.
func (c *countingConnector) CountsEvents() bool { return true }

// Start loads the price table. A price file that cannot be used ends the start; later it makes the component's status a
// recoverable error, and the former prices stay in use.
func (c *countingConnector) Start(_ context.Context, host component.Host) error {
	c.prices = c.open(pricing.Settings{
		File:           c.cfg.Pricing.File,
		ReloadInterval: c.cfg.Pricing.ReloadInterval,
		Status:         reload.ReportTo(host),
		Logger:         c.logger,
	})
	if err := c.prices.Start(); err != nil {
		return err
	}
	c.running.Store(true)
	return nil
}

// Shutdown may be called without Start, and twice.
func (c *countingConnector) Shutdown(ctx context.Context) error {
	c.running.Store(false)
	c.ended()
	c.tel.shutdown()
	if c.prices == nil {
		return nil
	}
	return c.prices.Shutdown(ctx)
}

// Capabilities tells that what comes in is only read.
func (c *countingConnector) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// ConsumeLogs counts the requests that log records are about.
func (c *countingConnector) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	received := time.Now()
	var requests []found
	for _, rl := range ld.ResourceLogs().All() {
		resource := rl.Resource().Attributes()
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if r, ok := events.FromLog(resource, sl.Scope().Name(), record, received); ok {
					requests = append(requests, found{r, record.Attributes(), resource})
				}
			}
		}
	}
	return c.count(ctx, requests)
}

// ConsumeTraces counts the requests that spans are about.
func (c *countingConnector) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	received := time.Now()
	var requests []found
	for _, rs := range td.ResourceSpans().All() {
		resource := rs.Resource().Attributes()
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if r, ok := events.FromSpan(resource, ss.Scope().Name(), span, received); ok {
					requests = append(requests, found{r, span.Attributes(), resource})
				}
			}
		}
	}
	return c.count(ctx, requests)
}

// count hands on what the requests add that were not counted yet. What the next component refuses counts when it comes
// again: the error goes back to the sender.
func (c *countingConnector) count(ctx context.Context, requests []found) error {
	requests = c.ofCountedSignal(ctx, requests)
	if len(requests) == 0 {
		return nil
	}
	if !c.running.Load() {
		return errNotRunning
	}
	keys := make([]events.Key, len(requests))
	for i, request := range requests {
		keys[i] = request.Key
	}
	claim, fresh, err := c.memory.claim(ctx, keys)
	if err != nil {
		return err
	}
	taken := false
	defer func() { claim.settle(taken) }()

	first := make([]found, 0, len(requests))
	for i, request := range requests {
		if fresh[i] {
			first = append(first, request)
		}
	}
	if len(first) > 0 {
		b := batch{cfg: c.cfg, writes: c.writes, prices: c.prices, version: c.version}
		if err := c.next.ConsumeMetrics(ctx, b.metricsOf(first)); err != nil {
			return err
		}
	}
	taken = true
	c.tel.add(ctx, outcomeCounted, len(first))
	c.tel.add(ctx, outcomeDuplicate, len(requests)-len(first))
	return nil
}

// ofCountedSignal leaves out requests whose agent is counted by its other signal.
func (c *countingConnector) ofCountedSignal(ctx context.Context, requests []found) []found {
	counted := requests[:0]
	for _, request := range requests {
		if request.Counted() {
			counted = append(counted, request)
		}
	}
	c.tel.add(ctx, outcomeOtherSignal, len(requests)-len(counted))
	return counted
}
