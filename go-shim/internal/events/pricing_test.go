// SPDX-License-Identifier: Apache-2.0

package events

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/events/eventstest"
)

// Scenario: every way to say how long caches live, and some that are none.
// Guarantee: each is read; the message of the others says what to write.
func TestParseCacheWrites(t *testing.T) {
	for text, want := range map[string]CacheWrites{
		"auto": {auto: true}, "5m": {}, "1h": {hourShare: 1}, "0": {}, "1": {hourShare: 1}, "0.3": {hourShare: 0.3},
	} {
		got, err := ParseCacheWrites(text)
		require.NoError(t, err)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "2h", "-0.1", "1.1", "NaN", "Inf", "automatic"} {
		_, err := ParseCacheWrites(text)
		assert.ErrorContains(t, err, `use "auto", "5m", "1h", or`, text)
	}
}

// Scenario: 1001 tokens written to a cache, by sessions that differ in account, kind of request and provider.
// Guarantee: `auto` follows what the client documents; no token is lost whatever the share; what the client tells is
// never overruled.
func TestSplitOfCacheWrites(t *testing.T) {
	signedIn := map[string]any{"user.account_uuid": "a", "query_source": "repl_main_thread"}
	with := func(attributes map[string]any, name string, value any) map[string]any {
		all := map[string]any{name: value}
		for n, v := range attributes {
			if n != name {
				all[n] = v
			}
		}
		return all
	}
	for _, c := range []struct {
		name, setting string
		attributes    map[string]any
		hour          uint64
		source        CacheWriteSource
	}{
		{"main conversation of somebody signed in", "auto", signedIn, 1001, CacheWritesAssumed1h},
		{"with a style", "auto", with(signedIn, "query_source", "repl_main_thread:outputStyle:custom"), 1001, CacheWritesAssumed1h},
		{"without a terminal", "auto", with(signedIn, "query_source", "sdk"), 1001, CacheWritesAssumed1h},
		{"organisation alone", "auto", map[string]any{"organization.id": "o", "query_source": "main"}, 1001, CacheWritesAssumed1h},
		{"subagent", "auto", with(signedIn, "query_source", "agent:builtin:general-purpose"), 0, CacheWritesAssumed5m},
		{"subagent by its name", "auto", with(signedIn, "agent.name", "custom"), 0, CacheWritesAssumed5m},
		{"side request", "auto", with(signedIn, "query_source", "compact"), 0, CacheWritesAssumed5m},
		{"key instead of an account", "auto", map[string]any{"query_source": "repl_main_thread"}, 0, CacheWritesAssumed5m},
		{"Bedrock", "auto", with(signedIn, "anthropic.provider", "bedrock"), 0, CacheWritesAssumed5m},
		{"Anthropic", "auto", with(signedIn, "anthropic.provider", "firstParty"), 1001, CacheWritesAssumed1h},
		{"five minutes", "5m", signedIn, 0, CacheWritesAssumed5m},
		{"an hour", "1h", nil, 1001, CacheWritesAssumed1h},
		{"share", "0.3", nil, 300, CacheWritesMixed},
		{"told", "1h", map[string]any{"cache_creation_5m_tokens": 1000}, 0, CacheWritesGiven},
	} {
		t.Run(c.name, func(t *testing.T) {
			writes, err := ParseCacheWrites(c.setting)
			require.NoError(t, err)
			cost := CostOf(claude(t, with(c.attributes, "cache_creation_tokens", 1001)), &eventstest.Prices{}, writes)
			assert.Equal(t, c.hour, cost.Tokens[engine.ClassCacheWrite1h])
			assert.Equal(t, uint64(1001), cost.Tokens[engine.ClassCacheWrite5m]+cost.Tokens[engine.ClassCacheWrite1h])
			assert.Equal(t, c.source, cost.CacheWrites)
		})
	}
}

// Scenario: a request of a known model, of an unknown one, without a model, and without tokens.
// Guarantee: only the first has a cost; the others say why they have none.
func TestCostOf(t *testing.T) {
	prices := &eventstest.Prices{}
	cost := CostOf(claude(t, map[string]any{"input_tokens": 1000, "output_tokens": 2000, "cache_read_tokens": 100_000, "cache_creation_tokens": 10_000}), prices, CacheWrites{})
	assert.True(t, cost.Priced)
	assert.InDelta(t, 0.005+0.05+0.05+0.0625, USD(cost.TotalPico), 0)
	assert.InDelta(t, 0.45, USD(cost.SavingsPico), 0)

	for _, c := range []struct {
		attributes map[string]any
		reason     string
	}{
		{map[string]any{"model": "claude-opus-9"}, ReasonUnknownModel},
		{map[string]any{"model": nil}, ReasonUnknownModel},
		{map[string]any{"input_tokens": nil, "output_tokens": nil}, ReasonNoTokens},
	} {
		cost := CostOf(claude(t, c.attributes), prices, CacheWrites{})
		assert.False(t, cost.Priced)
		assert.Equal(t, c.reason, cost.Reason)
		assert.Equal(t, engine.PriceAnswer{Provider: cost.Provider, Model: cost.Model}, cost.PriceAnswer, "no amount of anything")
	}
}

// Scenario: a fast request, on 20 November 2026, read from a Bedrock client.
// Guarantee: the price table is asked with all that the client tells, at the time of the request.
func TestWhatIsAsked(t *testing.T) {
	asked := &asking{}
	r := claude(t, map[string]any{"speed": "fast", "inference_geo": "us", "anthropic.provider": "bedrock"})
	CostOf(r, asked, CacheWrites{})
	assert.Equal(t, engine.PriceRequest{
		Model:          "claude-opus-4-8",
		Provider:       "aws.bedrock",
		Tokens:         [engine.TokenClasses]uint64{engine.ClassInput: 1, engine.ClassOutput: 2},
		Time:           r.End,
		PriceModifiers: engine.PriceModifiers{Fast: true, ResidencyUS: true},
	}, asked.request)
}

type asking struct {
	eventstest.Prices
	request engine.PriceRequest
}

func (a *asking) Price(r engine.PriceRequest) (engine.PriceAnswer, bool) {
	a.request = r
	return engine.PriceAnswer{}, false
}
