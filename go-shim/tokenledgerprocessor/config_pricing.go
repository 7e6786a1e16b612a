// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"errors"
	"fmt"
	"time"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/reload"
)

// Values of `pricing::source`.
const (
	pricingNone    = "none"
	pricingMetrics = "metrics"
	pricingEvents  = "events"
)

// Values of `pricing::beside_events`.
const (
	besideEventsRefuse = "refuse"
	besideEventsMark   = "mark"
)

// PricingConfig says what tokens cost and what is made of it.
type PricingConfig struct {
	// Source says where tokens are counted: `metrics`, those of clients, in this processor; `events`, logs and spans, in
	// the connector `token_ledger`; `none`. With either of the former two, logs and spans that pass get the cost of
	// their request.
	Source string `mapstructure:"source"`

	// File is a price file of the user's, on top of the built-in table; empty: none.
	File string `mapstructure:"file"`

	// ReloadInterval is how often the file is looked at. At least 1s.
	ReloadInterval time.Duration `mapstructure:"reload_interval"`

	// CacheWrites says how long caches live that were written to, where the client does not tell: `auto`, as clients
	// document it; `5m`; `1h`; or the part that lives for an hour as a number from 0 to 1.
	CacheWrites any `mapstructure:"cache_writes"`

	// BesideEvents says what becomes of a collector whose connector counts the same tokens from events: `refuse` to
	// start, or `mark`, which leaves it to the attribute `source` to keep both sums apart.
	BesideEvents string `mapstructure:"beside_events"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func defaultPricing() PricingConfig {
	return PricingConfig{
		Source:         pricingNone,
		ReloadInterval: reload.DefaultInterval,
		CacheWrites:    events.CacheWritesAuto,
		BesideEvents:   besideEventsRefuse,
	}
}

// Validate reports every setting that cannot be used. It looks at no file: one that cannot be used ends the start.
func (cfg *PricingConfig) Validate() error {
	var errs error
	if _, err := events.ParseCacheWrites(cfg.CacheWrites); err != nil {
		errs = fmt.Errorf("cache_writes %w", err)
	}
	if cfg.Source == pricingNone && cfg.File != "" {
		errs = errors.Join(errs, fmt.Errorf("file is %q, but source is %q, so nothing is priced: set source to %q or %q, or remove file",
			cfg.File, pricingNone, pricingMetrics, pricingEvents))
	}
	return errors.Join(errs,
		validateOneOf("source", cfg.Source, pricingNone, pricingMetrics, pricingEvents),
		validateOneOf("beside_events", cfg.BesideEvents, besideEventsRefuse, besideEventsMark),
		validateAtLeast("reload_interval", cfg.ReloadInterval, reload.MinInterval, reload.DefaultInterval),
	)
}

// engine says what the engine computes; nil for nothing.
func (cfg *PricingConfig) engine(unattributed string) *engine.Pricing {
	if cfg.Source != pricingMetrics {
		return nil
	}
	pricing := &engine.Pricing{Unattributed: unattributed}
	writes, _ := events.ParseCacheWrites(cfg.CacheWrites) // Validate has refused what cannot be read
	if share, set := writes.HourShare(); set {
		pricing.OneHourShare = &share
	}
	return pricing
}
