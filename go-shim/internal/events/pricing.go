// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// Pricer answers what requests cost. *engine.Prices is one.
type Pricer interface {
	// Price answers what a request cost; false if its model is not in the table.
	Price(engine.PriceRequest) (engine.PriceAnswer, bool)
	// Version names the table.
	Version() string
	// Currency is the configured currency beside dollars, and how much of it one dollar is; "" if there is none.
	Currency() (code string, perUSD float64)
}

// CacheWrites says how long caches live that a request wrote to, where the agent does not tell. It decides nothing
// where the agent does.
type CacheWrites struct {
	auto bool
	// hourShare is the part that lives for an hour, from 0 to 1.
	hourShare float64
}

// Words for CacheWrites in configurations.
const (
	CacheWritesAuto = "auto"
	CacheWrites5m   = "5m"
	CacheWrites1h   = "1h"
)

// ParseCacheWrites reads `auto`, `5m`, `1h`, or the part that lives for an hour as a number from 0 to 1, which in a
// configuration may stand with or without quotation marks.
func ParseCacheWrites(setting any) (CacheWrites, error) {
	text := fmt.Sprint(setting)
	switch text {
	case CacheWritesAuto:
		return CacheWrites{auto: true}, nil
	case CacheWrites5m:
		return CacheWrites{}, nil
	case CacheWrites1h:
		return CacheWrites{hourShare: 1}, nil
	}
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || !(share >= 0 && share <= 1) {
		return CacheWrites{}, fmt.Errorf("is %q: use %q, %q, %q, or the part that lives for an hour as a number from 0 to 1; the default is %q",
			text, CacheWritesAuto, CacheWrites5m, CacheWrites1h, CacheWritesAuto)
	}
	return CacheWrites{hourShare: share}, nil
}

// HourShare returns the part that lives for an hour; false where it depends on the request (`auto`).
func (w CacheWrites) HourShare() (share float64, set bool) { return w.hourShare, !w.auto }

// CacheWriteSource says how the lifetime of written caches became known.
type CacheWriteSource string

// The sources. The first is that of a request that wrote to no cache.
const (
	CacheWritesNone      CacheWriteSource = ""
	CacheWritesGiven     CacheWriteSource = "given"
	CacheWritesAssumed5m CacheWriteSource = "assumed_5m"
	CacheWritesAssumed1h CacheWriteSource = "assumed_1h"
	CacheWritesMixed     CacheWriteSource = "mixed"
)

// split puts cache writes of unknown lifetime into classes.
//
// `auto` follows what Claude Code documents: the main conversation of somebody who is signed in to a subscription is
// kept for an hour, everything else (subagents, side requests, API keys, Amazon Bedrock, Google Cloud, Microsoft
// Foundry) for five minutes. ENABLE_PROMPT_CACHING_1H, FORCE_PROMPT_CACHING_5M and usage beyond the subscription are
// not on the wire.
func (w CacheWrites) split(r *Request) (tokens [engine.TokenClasses]uint64, source CacheWriteSource) {
	tokens = r.Tokens
	given := tokens[engine.ClassCacheWrite5m] + tokens[engine.ClassCacheWrite1h]
	unknown := r.UnsplitWrites
	share := w.hourShare
	if w.auto && r.signedIn && r.mainThread {
		share = 1
	}
	hour := min(uint64(math.Round(float64(unknown)*share)), unknown)
	tokens[engine.ClassCacheWrite5m] += unknown - hour
	tokens[engine.ClassCacheWrite1h] += hour
	switch {
	case unknown == 0 && given == 0:
		return tokens, CacheWritesNone
	case unknown == 0:
		return tokens, CacheWritesGiven
	case given > 0 || share > 0 && share < 1:
		return tokens, CacheWritesMixed
	case share == 1:
		return tokens, CacheWritesAssumed1h
	default:
		return tokens, CacheWritesAssumed5m
	}
}

// Cost is what a request cost by the price table.
type Cost struct {
	engine.PriceAnswer
	// Tokens by class, cache writes split.
	Tokens [engine.TokenClasses]uint64
	// CacheWrites says how they were split.
	CacheWrites CacheWriteSource
	// Priced is false if there is no price; Reason says why.
	Priced bool
	Reason string
}

// Reasons why a request has no price.
const (
	// ReasonUnknownModel is a model that is not in the table, or none.
	ReasonUnknownModel = "unknown_model"
	// ReasonNoTokens is a request whose agent does not tell its tokens.
	ReasonNoTokens = "no_tokens"
)

// CostOf prices a request. It never guesses: what has no price has no cost, neither 0 nor anything else. The provider is
// looked up for requests without tokens too, so that a model's errors stand beside its answers.
func CostOf(r *Request, prices Pricer, writes CacheWrites) Cost {
	cost := Cost{}
	cost.Tokens, cost.CacheWrites = writes.split(r)
	answer, known := prices.Price(engine.PriceRequest{
		Model:          r.Model,
		Provider:       r.Provider,
		Tokens:         cost.Tokens,
		WebSearches:    r.WebSearches,
		Time:           r.End,
		PriceModifiers: r.Modifiers,
	})
	switch {
	case !r.HasTokens:
		cost.Reason = ReasonNoTokens
		if known {
			cost.Provider, cost.Model = answer.Provider, answer.Model
		}
	case !known:
		cost.Reason = ReasonUnknownModel
	default:
		cost.PriceAnswer, cost.Priced = answer, true
	}
	return cost
}

// USD is an amount of 10⁻¹² dollars in dollars.
func USD(pico int64) float64 { return float64(pico) / picoPerUSD }
