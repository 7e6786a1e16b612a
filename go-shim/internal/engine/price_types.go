// SPDX-License-Identifier: Apache-2.0

package engine

import "time"

// TokenClass is what tokens are billed as. Classes exclude each other.
type TokenClass int

// The classes, in the order of the library's numbers.
const (
	// ClassInput are tokens of the prompt outside any cache.
	ClassInput TokenClass = iota
	// ClassOutput are tokens of the answer.
	ClassOutput
	// ClassCacheRead are tokens read from a cache.
	ClassCacheRead
	// ClassCacheWrite5m are tokens written to a cache that lives for five minutes, or any write where a vendor has one
	// kind.
	ClassCacheWrite5m
	// ClassCacheWrite1h are tokens written to a cache that lives for an hour.
	ClassCacheWrite1h
	// ClassReasoning are tokens of reasoning that a client reports outside of its output.
	ClassReasoning
	// TokenClasses is how many there are.
	TokenClasses int = iota
)

// PriceModifiers are conditions under which a request is billed otherwise.
type PriceModifiers struct {
	Fast, Batch, Flex, Priority, ResidencyUS, Regional bool
}

// PriceRequest is one request to a model.
type PriceRequest struct {
	// Model as the client writes it.
	Model string
	// Provider as `gen_ai.provider.name` or its like says; empty if the client does not.
	Provider string
	// Tokens by TokenClass.
	Tokens [TokenClasses]uint64
	// WebSearches is the number of searches of the web.
	WebSearches uint64
	// Time of the request: it decides on the row.
	Time time.Time
	PriceModifiers
}

// PriceAnswer is what a request cost, in units of 10⁻¹² dollars.
type PriceAnswer struct {
	// Provider and Model as the price table names them.
	Provider, Model string
	// LongContext tells that the whole request was billed at the prices above the threshold.
	LongContext bool
	// TokensPico by TokenClass, after discounts.
	TokensPico [TokenClasses]int64
	// WebSearchesPico is what searches cost.
	WebSearchesPico int64
	// TotalPico is the sum of the above.
	TotalPico int64
	// ListPico is the total before discounts.
	ListPico int64
	// SavingsPico is what reading from caches saved.
	SavingsPico int64
}

// PriceFileError says why a price file cannot be used.
type PriceFileError struct{ reason string }

// Error names the place in the file and the remedy.
func (e *PriceFileError) Error() string { return e.reason }

// Pricing says what an engine computes from tokens.
type Pricing struct {
	// OneHourShare is the share of cache writes that live for an hour, from 0 to 1; nil is what clients document.
	OneHourShare *float64 `json:"one_hour_share,omitzero"`
	// Unattributed is the team of people whom an attribution file does not know; empty where there is no such file.
	Unattributed string `json:"unattributed,omitzero"`
}
