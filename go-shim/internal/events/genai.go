// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Attributes of the GenAI conventions, each with older names of the same thing behind it. The model of the answer comes
// first: an alias or a fallback may have changed the one that was asked for.
var (
	genAIModel       = []string{"gen_ai.response.model", "gen_ai.request.model"}
	genAIProvider    = []string{"gen_ai.provider.name", "gen_ai.system"}
	genAISession     = []string{"gen_ai.conversation.id", "session.id"}
	genAIServiceTier = []string{"openai.response.service_tier", "gen_ai.openai.response.service_tier"}

	genAIInput     = []string{"gen_ai.usage.input_tokens"}
	genAIOutput    = []string{"gen_ai.usage.output_tokens"}
	genAICacheRead = []string{"gen_ai.usage.cache_read.input_tokens"}
	genAICacheMade = []string{"gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"}
	genAITotal     = []string{"gen_ai.usage.total_tokens", "llm.usage.total_tokens"}

	legacyInput     = []string{"gen_ai.usage.prompt_tokens"}
	legacyOutput    = []string{"gen_ai.usage.completion_tokens"}
	legacyCacheRead = []string{"gen_ai.usage.cache_read_input_tokens"}
	legacyCacheMade = []string{"gen_ai.usage.cache_creation_input_tokens"}
)

// spanInclusion are emitters whose meaning of "input" is known by their scope, whatever their numbers look like.
var spanInclusion = []struct {
	scope string
	rule  inclusion
}{
	{"opentelemetry.instrumentation.bedrock", exclusive},   // OpenLLMetry, traceloop/openllmetry issue 4449
	{"opentelemetry.instrumentation.anthropic", inclusive}, // OpenLLMetry folds caches into input
	{"pydantic-ai", inclusive},
	{"logfire", inclusive},
}

// genAISpan reads a span of inference. Output contains reasoning, by the conventions.
func genAISpan(f *fields, resource pcommon.Map, scope string, span ptrace.Span, r *Request) {
	r.Model = f.text(genAIModel...)
	r.Provider = f.text(genAIProvider...)
	r.Session = sessionOf(f, resource, genAISession...)
	r.Modifiers.ResidencyUS = f.text("gen_ai.usage.inference_geo", "inference_geo") == "us"
	r.Modifiers.Fast = f.text("gen_ai.usage.speed", "speed") == "fast"
	r.serviceTier(f.text(genAIServiceTier...))
	genAITokens(f, scope, r)
	if f.text("gen_ai.usage.cost.currency") == "USD" {
		r.ReportedPico, r.HasReported = f.usdPico("gen_ai.usage.cost.amount", 1)
	}
	if span.Status().Code() == ptrace.StatusCodeError || f.text("error.type") != "" {
		r.failed(errorKind(f, []string{"http.response.status_code", "error.type"}, "error.type"))
	}
	// The id of the answer comes before that of the span, so that two layers of instrumentation around one request
	// count it once. The trace belongs to it: some emitters write the same id everywhere.
	trace, id := span.TraceID(), span.SpanID()
	if response := f.text("gen_ai.response.id"); response != "" {
		r.Key = keyOf("span", string(trace[:]), "response", response)
		return
	}
	r.Key = keyOf("span", string(trace[:]), "span", string(id[:]))
	if span.TraceID().IsEmpty() && span.SpanID().IsEmpty() {
		r.name(f, "")
	}
}

func genAITokens(f *fields, scope string, r *Request) {
	var c counts
	var in, out bool
	if c.input, in = f.tokens(genAIInput...); !in {
		c.input, in = f.tokens(legacyInput...)
		c.legacy = in
	}
	if c.output, out = f.tokens(genAIOutput...); !out {
		c.output, out = f.tokens(legacyOutput...)
	}
	var ok bool
	if c.read, ok = f.tokens(genAICacheRead...); !ok {
		c.read, ok = f.tokens(legacyCacheRead...)
		c.legacy = c.legacy || ok
	}
	if c.write, ok = f.tokens(genAICacheMade...); !ok {
		c.write, ok = f.tokens(legacyCacheMade...)
		c.legacy = c.legacy || ok
	}
	c.total, _ = f.tokens(genAITotal...)
	r.WebSearches, _ = f.count(1_000_000, "gen_ai.usage.server_tool_use.web_search_requests")
	r.HasTokens = in || out
	c.apply(r, ruleOfSpan(scope, r.Agent))
}

func ruleOfSpan(scope string, agent Agent) inclusion {
	if agent == Copilot || agent == CopilotChat || agent == Codex || agent == GeminiCLI {
		return inclusive
	}
	for _, known := range spanInclusion {
		if strings.HasPrefix(scope, known.scope) {
			return known.rule
		}
	}
	return undecided
}

// serviceTier notes a tier that is billed otherwise, as OpenAI names them.
func (r *Request) serviceTier(tier string) {
	switch tier {
	case "priority":
		r.Modifiers.Priority = true
	case "flex":
		r.Modifiers.Flex = true
	case "batch":
		r.Modifiers.Batch = true
	}
}
