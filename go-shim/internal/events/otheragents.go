// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// clineTurn reads Cline's `task.conversation_turn` of the model's side, which has tokens by class and the cost;
// `task.tokens` repeats a part of them. Whether input contains caches depends on the provider behind Cline.
func clineTurn(f *fields, resource pcommon.Map, r *Request) bool {
	if source := f.text("source", "role"); source != "assistant" && source != "model" {
		return false
	}
	clineCommon(f, resource, r)
	var c counts
	var have [2]bool
	c.input, have[0] = f.tokens("tokensIn", "tokens_in")
	c.output, have[1] = f.tokens("tokensOut", "tokens_out")
	c.read, _ = f.tokens("cacheReadTokens", "cache_read_tokens")
	c.write, _ = f.tokens("cacheWriteTokens", "cache_write_tokens")
	if have == [2]bool{} {
		return false // written when the turn begins
	}
	r.HasTokens = true
	c.apply(r, undecided)
	r.ReportedPico, r.HasReported = f.usdPico("totalCost", 1)
	r.name(f, "")
	return true
}

// clineError reads `task.provider_api_error`.
func clineError(f *fields, resource pcommon.Map, r *Request) bool {
	clineCommon(f, resource, r)
	r.failed(errorKind(f, []string{"errorStatus", "error_code"}, "errorMessage", "error_message"))
	r.name(f, f.text("requestId", "request_id"))
	return true
}

func clineCommon(f *fields, resource pcommon.Map, r *Request) {
	r.Model = f.text("model")
	r.Provider = f.text("provider")
	r.Session = sessionOf(f, resource, "ulid", "task_id", "session.id")
	r.User = f.text("user_id", "distinct_id")
	r.took(f.milliseconds("duration_ms"))
}

// openCodeRequest reads `api_request` of the plugin for opencode, which imitates Claude Code. Its classes exclude each
// other, reasoning included, and its records carry the time of the request's start.
func openCodeRequest(f *fields, resource pcommon.Map, r *Request) bool {
	openCodeCommon(f, resource, r)
	var c counts
	var have [4]bool
	c.input, have[0] = f.tokens("input_tokens")
	c.output, have[1] = f.tokens("output_tokens")
	c.read, have[2] = f.tokens("cache_read_tokens")
	c.write, have[3] = f.tokens("cache_creation_tokens")
	c.reasoning, _ = f.tokens("reasoning_tokens")
	r.HasTokens = have != [4]bool{}
	c.apply(r, exclusive)
	r.ReportedPico, r.HasReported = f.usdPico("cost_usd", 1)
	r.name(f, "")
	return true
}

// openCodeError reads `api_error` of the same plugin.
func openCodeError(f *fields, resource pcommon.Map, r *Request) bool {
	openCodeCommon(f, resource, r)
	r.failed(errorKind(f, []string{"status_code"}, "error"))
	r.name(f, "")
	return true
}

func openCodeCommon(f *fields, resource pcommon.Map, r *Request) {
	r.Model = f.text("model")
	r.Provider = f.text("provider")
	r.Session = sessionOf(f, resource, "session.id")
	r.User = f.text("enduser.id")
	if duration, ok := f.milliseconds("duration_ms"); ok {
		r.Duration, r.HasDuration = duration, true
		r.End = r.Start.Add(duration)
	}
}
