// SPDX-License-Identifier: Apache-2.0

package pricing

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/reload"
)

// Settings say where a table comes from and who is told.
type Settings struct {
	// File is the user's price file; empty for the built-in table alone.
	File string
	// ReloadInterval is how often the file is looked at; 0 is reload.DefaultInterval.
	ReloadInterval time.Duration
	// Use is told each table before it is in use: an engine takes it over. An error keeps the former one. May be nil.
	Use func(*engine.Prices) error
	// Status is that of reload.Settings.
	Status func(reason error)
	// Logger gets a line when a table comes into use, and when one cannot.
	Logger *zap.Logger
}

// Table is the price table in use. All methods may be called by several goroutines.
type Table struct {
	settings Settings
	current  atomic.Pointer[engine.Prices]
	watcher  *reload.Watcher // nil without a file
}

// New returns a table that is not loaded yet: nothing has a price before Start.
func New(settings Settings) *Table {
	if settings.Logger == nil {
		settings.Logger = zap.NewNop()
	}
	return &Table{settings: settings}
}

// Start loads the table and watches the file. A file that cannot be used is an error.
func (t *Table) Start() error {
	if t.settings.File == "" {
		return t.load(nil)
	}
	t.watcher = reload.New(reload.Settings{
		What:     "the price file",
		Path:     t.settings.File,
		Interval: t.settings.ReloadInterval,
		Apply:    t.load,
		Status:   t.settings.Status,
		Logger:   t.settings.Logger,
	})
	return t.watcher.Start()
}

// Shutdown ends the watch and gives the table's memory back. It may be called without Start, and again.
func (t *Table) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.watcher.Shutdown(ctx); err != nil {
		return err
	}
	if former := t.current.Swap(nil); former != nil {
		former.Close()
	}
	return nil
}

// Price says what a request cost; false if no price is known.
func (t *Table) Price(request engine.PriceRequest) (engine.PriceAnswer, bool) {
	// Between Load and Price the table may have been replaced and closed: then the newer one knows.
	for {
		prices := t.current.Load()
		if prices == nil {
			return engine.PriceAnswer{}, false
		}
		answer, known := prices.Price(request)
		if known || prices == t.current.Load() {
			return answer, known
		}
	}
}

// Version names the table in use; empty before Start.
func (t *Table) Version() string {
	if prices := t.current.Load(); prices != nil {
		return prices.Version()
	}
	return ""
}

// Currency is the user's: its code in ISO 4217, and units of it per dollar; empty if there is none.
func (t *Table) Currency() (code string, perUSD float64) {
	if prices := t.current.Load(); prices != nil {
		return prices.Currency()
	}
	return "", 0
}

// load takes a file's content into use.
func (t *Table) load(file []byte) error {
	prices, err := engine.NewPrices(file)
	if err != nil {
		return err
	}
	if t.settings.Use != nil {
		if err := t.settings.Use(prices); err != nil {
			prices.Close()
			return fmt.Errorf("the engine did not take the price table: %w", err)
		}
	}
	if former := t.current.Swap(prices); former != nil {
		former.Close()
	}
	t.settings.Logger.Info("Costs are computed from list prices: they are estimates, not a bill",
		zap.String("price_table", prices.Version()))
	return nil
}
