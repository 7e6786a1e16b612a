// SPDX-License-Identifier: Apache-2.0

// Package eventstest has a price table for tests that are not about prices: a few rows, with the same arithmetic as the
// library's. Tests of the prices themselves are those of the library.
package eventstest

import "github.com/tokenledger/tokenledger/go-shim/internal/engine"

// Prices is a table with the rows below. Dollars per million tokens are 10⁻¹² dollars per millionth of a token times
// 10⁶, so all amounts are whole numbers.
type Prices struct {
	// Discount is the part that is taken off list prices, in percent.
	Discount int64
	// Code and PerUSD are the currency beside dollars.
	Code   string
	PerUSD float64
}

// row holds 10⁻¹² dollars per token by class.
type row struct {
	provider string
	classes  [engine.TokenClasses]int64
}

// Prices of November 2026 at list, in order: input, output, cache read, cache written for five minutes and an hour,
// reasoning.
var rows = map[string]row{
	"claude-sonnet-4-5-20250929": {"anthropic", [engine.TokenClasses]int64{3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000, 15_000_000}},
	"claude-opus-4-8":            {"anthropic", [engine.TokenClasses]int64{5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000, 25_000_000}},
	"claude-haiku-5-5":           {"anthropic", [engine.TokenClasses]int64{100_000, 500_000, 10_000, 125_000, 200_000, 500_000}},
	"gpt-5.4":                    {"openai", [engine.TokenClasses]int64{2_500_000, 15_000_000, 250_000, 2_500_000, 2_500_000, 15_000_000}},
	"gemini-2.5-pro":             {"google", [engine.TokenClasses]int64{1_250_000, 10_000_000, 125_000, 1_250_000, 1_250_000, 10_000_000}},
}

const webSearchPico = 10_000_000_000 // 10 dollars per 1000

// Price answers for the models above.
func (p *Prices) Price(r engine.PriceRequest) (engine.PriceAnswer, bool) {
	row, ok := rows[r.Model]
	if !ok {
		return engine.PriceAnswer{}, false
	}
	answer := engine.PriceAnswer{Provider: row.provider, Model: r.Model}
	for class, price := range row.classes {
		if r.Fast {
			price *= 2
		}
		list := int64(r.Tokens[class]) * price
		answer.ListPico += list
		answer.TokensPico[class] = list * (100 - p.Discount) / 100
		answer.TotalPico += answer.TokensPico[class]
	}
	answer.WebSearchesPico = int64(r.WebSearches) * webSearchPico
	answer.ListPico += answer.WebSearchesPico
	answer.TotalPico += answer.WebSearchesPico
	answer.SavingsPico = int64(r.Tokens[engine.ClassCacheRead]) * (row.classes[engine.ClassInput] - row.classes[engine.ClassCacheRead])
	return answer, true
}

// Version names the table.
func (p *Prices) Version() string { return "test" }

// Currency is as configured.
func (p *Prices) Currency() (code string, perUSD float64) { return p.Code, p.PerUSD }
