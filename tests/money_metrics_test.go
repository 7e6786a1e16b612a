package tests

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// Scenario: every capture over every transport in every variant, twice and late among them, with costs computed from
// metrics.
// Guarantee: the page shows what each session cost, by model and type, to the last micro-dollar; the difference to what
// clients report is none; what clients report stays as it is.
func TestComputedCosts(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: pricedByMetrics("")})
	var sent []capture.Capture
	for _, transport := range harness.Transports {
		client := collector.Client(t, transport)
		for _, original := range loadAll(t) {
			for _, variant := range variants {
				c := original.Renamed("costs " + string(transport) + variant.name)
				require.NoError(t, client.SendAll(t.Context(), variant.change(t, c).Of(capture.Metrics)), c.Name)
				sent = append(sent, c)
			}
		}
	}
	collector.Settle(t)
	page := collector.Page(t)
	for _, c := range sent {
		requireTruth(t, page, c)
		requireCosts(t, page, "metrics", c, halfMicroDollar)
	}
	for model := range listPrices {
		requireDifference(t, page, len(sent), "model", model)
	}
	assert.Empty(t, page.Find("token_ledger_tokens_unpriced"), "all models have prices")
}

// trimmedCosts are settings under which costs still have to be whole, and whether they leave the model.
var trimmedCosts = map[string]struct {
	settings   string
	withModels bool
}{
	"nothing trimmed":                {"", true},
	"every attribute tells apart":    {", identity: otlp", true},
	"sent at intervals":              {", emit: interval, flush_interval: 200ms", true},
	"trimmed at intervals":           {", emit: interval, flush_interval: 200ms, cardinality: {rules: [{preset: claude_code}]}", true},
	"preset":                         {", cardinality: {rules: [{preset: claude_code}]}", true},
	"client's metrics have no model": {`, cardinality: {rules: [{metrics: ["claude_code.*"], drop: [model, session.id, user.id]}]}`, true},
	"nothing has a model":            {`, cardinality: {rules: [{metrics: ["*"], drop: [model, session.id, user.id]}]}`, false},
	"only type and model are kept":   {`, cardinality: {rules: [{metrics: ["claude_code.*", "token_ledger.*"], keep: [type, model]}]}`, true},
}

// Scenario: all captures in all variants, with rules that take sessions, users and models off the metrics, and other
// settings of what tells streams apart and when they leave.
// Guarantee: costs are computed before anything is trimmed, so that the sums by model and type are the truth, and a
// cost keeps the model where only the client's own metrics lose it.
func TestComputedCostsOfTrimmedMetrics(t *testing.T) {
	t.Parallel()
	for name, of := range trimmedCosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Config: pricedByMetrics(of.settings)})
			for i, original := range loadAll(t) {
				client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
				for _, variant := range variants {
					c := variant.change(t, original.Renamed("trimmed costs "+variant.name))
					require.NoError(t, client.SendAll(t.Context(), c.Of(capture.Metrics)))
				}
			}
			collector.Settle(t)
			page := collector.Page(t)
			requireSumsOfCosts(t, page, float64(len(variants)), of.withModels)
		})
	}
}

// Scenario: a part of the sessions arrives, the collector is asked to end or killed, and all of it is sent again to the
// collector that comes after it, twice.
// Guarantee: costs are back on the page as they were before anything else comes, and in the end each counts once.
func TestComputedCostsAfterARestart(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *harness.Collector){
		"asked to end": func(t *testing.T, c *harness.Collector) { assert.Zero(t, c.Stop(t, gracePeriod)) },
		"killed":       func(t *testing.T, c *harness.Collector) { c.Kill(t) },
		"reloaded":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Config: pricedByMetrics("")})
			all := loadAll(t)
			for i, c := range all {
				metrics := c.Of(capture.Metrics)
				client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
				require.NoError(t, client.SendAll(t.Context(), metrics[:len(metrics)/2]))
			}
			collector.Settle(t)
			before := collector.Page(t).Sum("token_ledger_cost_USD_total")
			require.Positive(t, before)

			if end != nil {
				end(t, collector)
				collector = collector.Restart(t)
			} else {
				collector.Signal(t, syscall.SIGHUP)
				harness.Eventually(t, harness.Patience, "end of the reload", func() error {
					if ready := collector.ReadyCount(); ready < 2 {
						return fmt.Errorf("ready %d times", ready)
					}
					return nil
				})
			}
			collector.Settle(t)
			assert.InDelta(t, before, collector.Page(t).Sum("token_ledger_cost_USD_total"), costTolerance, "after the start")

			for i, c := range all {
				client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
				require.NoError(t, client.SendAll(t.Context(), c.Repeated().Of(capture.Metrics)))
			}
			collector.Settle(t)
			page := collector.Page(t)
			for _, c := range all {
				requireCosts(t, page, "metrics", c, halfMicroDollar)
			}
			for model := range listPrices {
				requireDifference(t, page, len(all), "model", model)
			}
		})
	}
}
