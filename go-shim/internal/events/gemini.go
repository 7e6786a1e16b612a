// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import "go.opentelemetry.io/collector/pdata/pcommon"

// geminiResponse reads `api_response` of Gemini CLI and of Qwen Code, its fork. Input contains what the cache served;
// prompts of tools are further input, and thoughts are further output.
func geminiResponse(f *fields, resource pcommon.Map, r *Request) bool {
	geminiCommon(f, resource, r)
	var c counts
	var have [2]bool
	c.input, have[0] = f.tokens("input_token_count")
	c.output, have[1] = f.tokens("output_token_count")
	c.read, _ = f.tokens("cached_content_token_count")
	c.total, _ = f.tokens("total_token_count")
	tools, _ := f.tokens("tool_token_count")
	thoughts, _ := f.tokens("thoughts_token_count")
	r.HasTokens = have != [2]bool{}
	// Behind Qwen Code there may be models whose output contains the thoughts: then the total does not.
	if c.total == 0 || c.total != c.input+c.output+tools {
		c.reasoning = thoughts
	}
	c.input += tools
	c.apply(r, inclusive)
	r.name(f, f.text("response_id"))
	return true
}

// geminiError reads `api_error`.
func geminiError(f *fields, resource pcommon.Map, r *Request) bool {
	geminiCommon(f, resource, r)
	r.failed(errorKind(f, []string{"status_code"}, "error.type", "error_type", "error.message", "error"))
	r.name(f, "")
	return true
}

func geminiCommon(f *fields, resource pcommon.Map, r *Request) {
	r.Model = f.text("model", "model_name")
	r.Session = sessionOf(f, resource, "session.id")
	r.took(f.milliseconds("duration_ms", "duration"))
	if r.Agent != GeminiCLI {
		return // Qwen Code talks to many providers and names none
	}
	r.Provider = "gcp.gemini"
	if f.text("auth_type") == "vertex-ai" {
		r.Provider = "gcp.vertex_ai"
	}
}
