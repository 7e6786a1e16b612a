// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"strings"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// inclusion says whether an emitter's "input" contains the tokens that a cache served or took.
type inclusion int

const (
	// undecided: the numbers of each request decide.
	undecided inclusion = iota
	// exclusive: input, cache reads and cache writes are to be added.
	exclusive
	// inclusive: cache reads and writes are parts of input.
	inclusive
)

// counts are numbers of tokens as an emitter writes them.
type counts struct {
	input, output, read, write uint64
	// reasoning that is not part of output.
	reasoning uint64
	// write5m and write1h are the parts of write by lifetime, if hasSplit.
	write5m, write1h uint64
	hasSplit         bool
	// total of the whole request; 0 if the emitter does not tell.
	total uint64
	// legacy tells that the names are those from before the GenAI conventions knew caches.
	legacy bool
}

// apply puts the counts into the request, as classes that exclude each other.
func (c counts) apply(r *Request, rule inclusion) {
	input := c.input
	if rule == undecided {
		rule = c.decide(r)
	}
	if rule == inclusive {
		cached := c.read + c.write
		if cached > input {
			// Never below 0, and never silently: a negative remainder would take money off other requests.
			r.Inconsistent = true
			cached = input
		}
		input -= cached
	}
	r.Tokens[engine.ClassInput] = input
	r.Tokens[engine.ClassOutput] = c.output
	r.Tokens[engine.ClassCacheRead] = c.read
	r.Tokens[engine.ClassReasoning] = c.reasoning
	c.applyWrites(r)
}

// decide tells what the emitter means where it is not known: many do not do what the GenAI conventions ask for, which
// is that input contains everything.
func (c counts) decide(r *Request) inclusion {
	cached := c.read + c.write
	switch {
	case cached > c.input:
		return exclusive // a part cannot be larger than the whole
	case cached == 0:
		return inclusive // no difference
	case c.total > 0 && c.total == c.input+c.output:
		return inclusive
	case c.total > 0 && c.total == c.input+c.output+cached:
		return exclusive
	case c.legacy && billsExclusively(r):
		return exclusive
	default:
		return inclusive
	}
}

// billsExclusively tells a provider whose own interface gives input without caches. Amazon Bedrock does so for all
// models but those of OpenAI.
func billsExclusively(r *Request) bool {
	switch {
	case strings.Contains(r.Provider, "bedrock"):
		return !strings.Contains(r.Model, "openai.")
	default:
		return r.Provider == "anthropic"
	}
}

// applyWrites splits cache writes by lifetime where the emitter tells it. The parts may add up to less than the whole:
// Anthropic bills the rest as five minutes. Where a vendor knows one lifetime only, there is nothing to split.
func (c counts) applyWrites(r *Request) {
	write := c.write
	switch {
	case c.hasSplit && write == 0:
		r.Tokens[engine.ClassCacheWrite5m], r.Tokens[engine.ClassCacheWrite1h] = c.write5m, c.write1h
	case c.hasSplit:
		if c.write5m+c.write1h > write {
			r.Inconsistent = true
		}
		hour := min(c.write1h, write)
		r.Tokens[engine.ClassCacheWrite5m], r.Tokens[engine.ClassCacheWrite1h] = write-hour, hour
	case r.splitsWrites():
		r.UnsplitWrites = write
	default:
		r.Tokens[engine.ClassCacheWrite5m] = write
	}
}

// splitsWrites tells whether the model's cache has two lifetimes with two prices, as Anthropic's has.
func (r *Request) splitsWrites() bool {
	return r.Agent == ClaudeCode || r.Provider == "anthropic" || strings.Contains(strings.ToLower(r.Model), "claude")
}
