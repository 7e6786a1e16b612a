// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// traces writes the cost onto every span that is one request to a model, whichever signal of its agent is counted: a
// trace is read by itself. Spans of agents and workflows get none, their requests have it. A request that failed has a
// cost if it has tokens.
func (e *enricher) traces(td ptrace.Traces) {
	if e == nil {
		return
	}
	received := time.Now()
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				e.removeForged(span.Attributes())
				r, ok := events.FromSpan(rs.Resource().Attributes(), ss.Scope().Name(), span, received)
				if ok && (!r.Failed || r.HasTokens) {
					e.put(span.Attributes(), r)
				}
			}
		}
	}
}
