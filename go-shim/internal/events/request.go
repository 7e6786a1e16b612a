// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"time"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// Request is one call of a model, as its agent reports it.
type Request struct {
	// Agent is who made the request.
	Agent Agent
	// Signal is where it was reported.
	Signal Signal

	// Model as the agent writes it; that of the answer, if the agent tells both. Empty if it tells none.
	Model string
	// Provider as the agent names it; empty if it does not.
	Provider string
	// Session is the agent's name of the conversation; empty if it has none.
	Session string
	// User is the agent's own name of its user where that does not stand in `user.id`; mostly empty.
	User string
	// Key is the same for the same request whenever it is reported, and differs between requests.
	Key Key

	// Start and End bound the request. They are equal if its duration is unknown.
	Start, End time.Time
	// Duration is how long it took, and HasDuration whether that is known.
	Duration    time.Duration
	HasDuration bool

	// Tokens by class. Classes exclude each other. Cache writes whose lifetime is unknown are in UnsplitWrites instead.
	Tokens [engine.TokenClasses]uint64
	// UnsplitWrites are tokens written to a cache for either five minutes or an hour: the agent does not tell which.
	UnsplitWrites uint64
	// HasTokens tells that the agent reported tokens at all, be it 0.
	HasTokens bool
	// WebSearches is the number of searches of the web.
	WebSearches uint64
	// Inconsistent tells that numbers contradict each other or are none; what could be used was.
	Inconsistent bool

	// ReportedPico is what the agent says the request cost, in 10⁻¹² dollars, and HasReported whether it says so.
	ReportedPico int64
	HasReported  bool

	// Failed tells that the request ended in an error, of the kind Error.
	Failed bool
	Error  ErrorKind

	// Modifiers are conditions under which it is billed otherwise, as far as the agent tells them.
	Modifiers engine.PriceModifiers

	// signedIn and mainThread decide on CacheWritesAuto.
	signedIn, mainThread bool
}

// Counted tells whether totals are made of this report of the request. Exactly one signal of an agent counts, so that
// no request counts twice.
func (r *Request) Counted() bool { return CountedSignal(r.Agent) == r.Signal }

// TotalTokens is the number of tokens of all classes.
func (r *Request) TotalTokens() uint64 {
	total := r.UnsplitWrites
	for _, tokens := range r.Tokens {
		total += tokens
	}
	return total
}

// ReportsCost tells whether the agent is known to report what its requests cost, so that a request without is odd.
func (r *Request) ReportsCost() bool {
	return r.Signal == SignalLogs && (r.Agent == ClaudeCode || r.Agent == OpenCode || r.Agent == Cline)
}
