// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// claudeRequest reads Claude Code's `api_request`. Clients before 2.1.122 write every number as text; those from
// 2.1.329 on split cache writes by lifetime. Input leaves out caches, output contains thinking.
func claudeRequest(f *fields, resource pcommon.Map, r *Request) bool {
	claudeCommon(f, resource, r)
	claudeTokens(f, r)
	if pico, ok := f.usdPico("cost_usd", 1); ok {
		r.ReportedPico, r.HasReported = pico, true
	} else if pico, ok := f.usdPico("cost_usd_micros", 1e-6); ok {
		r.ReportedPico, r.HasReported = pico, true
	}
	r.name(f, f.text("request_id", "client_request_id"))
	return true
}

// claudeError reads `api_error`, which is written once, after the last retry.
func claudeError(f *fields, resource pcommon.Map, r *Request) bool {
	claudeCommon(f, resource, r)
	r.failed(errorKind(f, []string{"status_code"}, "error"))
	r.name(f, f.text("request_id", "client_request_id"))
	return true
}

// claudeSpan reads the span `claude_code.llm_request`: the tokens of `api_request` again, without a cost.
func claudeSpan(f *fields, resource pcommon.Map, r *Request) {
	claudeCommon(f, resource, r)
	claudeTokens(f, r)
	if success, ok := f.flag("success"); ok && !success {
		r.failed(errorKind(f, []string{"status_code"}, "error_class", "error"))
	}
	r.name(f, f.text("request_id", "client_request_id", "gen_ai.response.id"))
}

func claudeCommon(f *fields, resource pcommon.Map, r *Request) {
	r.Model = f.text("model", "gen_ai.response.model", "gen_ai.request.model")
	r.Provider = claudeProvider(f.text("anthropic.provider"))
	r.Session = sessionOf(f, resource, "session.id")
	r.took(f.milliseconds("duration_ms"))
	r.Modifiers.Fast = f.text("speed") == "fast"
	r.Modifiers.ResidencyUS = f.text("inference_geo") == "us"
	r.signedIn = f.text("user.account_uuid", "organization.id") != "" && (r.Provider == "" || r.Provider == "anthropic")
	r.mainThread = isMainThread(f.text("query_source", "query_source_safe")) && f.text("agent.name") == ""
}

func claudeTokens(f *fields, r *Request) {
	var c counts
	var have [4]bool
	c.input, have[0] = f.tokens("input_tokens")
	c.output, have[1] = f.tokens("output_tokens")
	c.read, have[2] = f.tokens("cache_read_tokens")
	c.write, have[3] = f.tokens("cache_creation_tokens")
	var five, hour bool
	c.write5m, five = f.tokens("cache_creation_5m_tokens")
	c.write1h, hour = f.tokens("cache_creation_1h_tokens")
	c.hasSplit = five || hour
	r.HasTokens = have != [4]bool{} || c.hasSplit
	c.apply(r, exclusive)
}

// claudeProvider translates what clients from 2.1.329 on write into the names of the GenAI conventions. Before, only
// the model's spelling tells where it ran.
func claudeProvider(name string) string {
	switch strings.ToLower(name) {
	case "":
		return ""
	case "firstparty":
		return "anthropic"
	case "bedrock":
		return "aws.bedrock"
	case "vertex":
		return "gcp.vertex_ai"
	case "foundry":
		return "azure.ai.inference"
	default:
		return name
	}
}

// isMainThread tells the main conversation from side requests and subagents. Metrics and events use different words;
// `sdk` is the main conversation of a run without a terminal.
func isMainThread(source string) bool {
	return source == "main" || source == "sdk" || strings.HasPrefix(source, "repl_main_thread")
}

// sessionOf is the first of the attributes, of the record or else of the resource.
func sessionOf(f *fields, resource pcommon.Map, names ...string) string {
	if session := f.text(names...); session != "" {
		return session
	}
	ofResource := fields{attributes: resource}
	return ofResource.text(names...)
}
