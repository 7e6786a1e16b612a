// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import "go.opentelemetry.io/collector/pdata/pcommon"

// codexCompleted reads Codex's `codex.sse_event` of the kind `response.completed`. Input contains what the cache
// served and output contains reasoning. `tool_token_count` is the total in spite of its name: it is never added.
func codexCompleted(f *fields, resource pcommon.Map, r *Request) bool {
	if f.text("event.kind") != "response.completed" {
		return false
	}
	codexCommon(f, resource, r)
	var c counts
	var have [2]bool
	c.input, have[0] = f.tokens("input_token_count")
	c.output, have[1] = f.tokens("output_token_count")
	c.read, _ = f.tokens("cached_token_count")
	r.HasTokens = have != [2]bool{}
	if !r.HasTokens {
		return false // the stream broke off: `codex.api_request` tells of errors
	}
	c.apply(r, inclusive)
	r.name(f, "")
	return true
}

// codexAttempt reads `codex.api_request`, which Codex writes for each attempt. Those that succeed are counted when
// their answer is complete, so only failed ones are taken.
func codexAttempt(f *fields, resource pcommon.Map, r *Request) bool {
	status, state := f.number("http.response.status_code")
	answered := state == usable && status >= 200 && status < 400
	if answered && f.text("error.message") == "" {
		return false
	}
	codexCommon(f, resource, r)
	r.failed(errorKind(f, []string{"http.response.status_code"}, "error.message"))
	r.name(f, "")
	return true
}

func codexCommon(f *fields, resource pcommon.Map, r *Request) {
	r.Model = f.text("model", "slug")
	r.Session = sessionOf(f, resource, "conversation.id", "session.id")
	r.took(f.milliseconds("duration_ms"))
}
