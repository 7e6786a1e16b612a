// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"context"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/pricing"
)

// ownPrefix begins the names of attributes that only this project's components write. A client that writes one is not
// believed: it is removed before ours are set.
const ownPrefix = "token_ledger."

// costAttributes are the names under which the cost of a request is written. An empty name is not written.
type costAttributes struct {
	USD          string // what it cost, after discounts, in dollars
	ListUSD      string // what it cost at list prices, where a discount applied
	SavingsUSD   string // what reading from caches saved
	Status       string // statusPriced or statusUnpriced
	Reason       string // why it is unpriced
	PriceTable   string // the version of the price table
	CacheWrites  string // how the lifetime of written caches became known
	Amount       string // the cost in the configured currency
	Currency     string // its code
	CurrencyRate string // how much of it one dollar is
}

// Values of costAttributes.Status.
const (
	statusPriced   = "priced"
	statusUnpriced = "unpriced"
)

// defaultCostAttributes are used where the configuration names no others.
func defaultCostAttributes() costAttributes {
	return costAttributes{
		USD:          "token_ledger.cost.usd",
		ListUSD:      "token_ledger.cost.list_usd",
		SavingsUSD:   "token_ledger.cost.savings_usd",
		Status:       "token_ledger.cost.status",
		Reason:       "token_ledger.cost.reason",
		PriceTable:   "token_ledger.cost.price_table",
		CacheWrites:  "token_ledger.cost.cache_writes",
		Amount:       "token_ledger.cost.amount",
		Currency:     "token_ledger.cost.currency",
		CurrencyRate: "token_ledger.cost.currency_rate",
	}
}

// enricher writes what requests cost onto the records and spans that report them. What the client says itself
// (`cost_usd`) stays as it is.
type enricher struct {
	settings pricing.Settings
	writes   events.CacheWrites
	names    costAttributes

	prices events.Pricer  // set by start, unless a test has set it
	table  *pricing.Table // what start has opened
}

// newEnricher returns what writes costs as configured; nil where nothing is priced.
func newEnricher(cfg *PricingConfig, logger *zap.Logger) *enricher {
	if cfg.Source == pricingNone {
		return nil
	}
	writes, _ := events.ParseCacheWrites(cfg.CacheWrites) // Validate has refused what cannot be read
	return &enricher{
		settings: pricing.Settings{File: cfg.File, ReloadInterval: cfg.ReloadInterval, Logger: logger},
		writes:   writes,
		names:    defaultCostAttributes(),
	}
}

// start loads the price table. A price file that cannot be used is an error; later it makes the component's status a
// recoverable error, and the former prices stay in use.
func (e *enricher) start(report func(reason error)) error {
	if e == nil || e.prices != nil {
		return nil
	}
	e.settings.Status = report
	e.table = pricing.New(e.settings)
	e.prices = e.table
	return e.table.Start()
}

// shutdown may be called without start, and again.
func (e *enricher) shutdown(ctx context.Context) error {
	if e == nil {
		return nil
	}
	return e.table.Shutdown(ctx)
}

// removeForged removes attributes that a client cannot know: those of ours, and the configured names of the cost.
func (e *enricher) removeForged(attributes pcommon.Map) {
	attributes.RemoveIf(func(key string, _ pcommon.Value) bool {
		return strings.HasPrefix(key, ownPrefix) || e.names.contain(key)
	})
}

func (n *costAttributes) contain(key string) bool {
	switch key {
	case "":
		return false
	case n.USD, n.ListUSD, n.SavingsUSD, n.Status, n.Reason, n.PriceTable, n.CacheWrites, n.Amount, n.Currency, n.CurrencyRate:
		return true
	default:
		return false
	}
}

// put writes the cost of a request. A model without a price gets no amount, neither 0 nor anything else that would be
// added up.
func (e *enricher) put(attributes pcommon.Map, r *events.Request) {
	cost := events.CostOf(r, e.prices, e.writes)
	text := func(name, value string) {
		if name != "" && value != "" {
			attributes.PutStr(name, value)
		}
	}
	number := func(name string, value float64) {
		if name != "" {
			attributes.PutDouble(name, value)
		}
	}
	text(e.names.PriceTable, e.prices.Version())
	if !cost.Priced {
		text(e.names.Status, statusUnpriced)
		text(e.names.Reason, cost.Reason)
		return
	}
	text(e.names.Status, statusPriced)
	text(e.names.CacheWrites, string(cost.CacheWrites))
	usd := events.USD(cost.TotalPico)
	number(e.names.USD, usd)
	number(e.names.SavingsUSD, events.USD(cost.SavingsPico))
	if cost.ListPico != cost.TotalPico {
		number(e.names.ListUSD, events.USD(cost.ListPico))
	}
	if code, perUSD := e.prices.Currency(); code != "" {
		number(e.names.Amount, usd*perUSD)
		text(e.names.Currency, code)
		number(e.names.CurrencyRate, perUSD)
	}
}
