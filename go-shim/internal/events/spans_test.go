// SPDX-License-Identifier: Apache-2.0

package events

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// inference returns a span of one call by the GenAI conventions.
func inference(t testing.TB, attributes map[string]any) ptrace.Span {
	t.Helper()
	span := ptrace.NewSpan()
	span.SetName("chat m")
	span.SetKind(ptrace.SpanKindClient)
	span.SetTraceID(pcommon.TraceID{1})
	span.SetSpanID(pcommon.SpanID{2})
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(arrival.Add(-3e9)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(arrival))
	all := map[string]any{"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m"}
	for name, value := range attributes {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	require.NoError(t, span.Attributes().FromRaw(all))
	return span
}

// Scenario: spans of inference, agents and tools, with and without the name of their operation.
// Guarantee: one span per call of a model; totals that repeat it are no request.
func TestWhichSpansAreRequests(t *testing.T) {
	for _, c := range []struct {
		name       string
		attributes map[string]any
		kind       ptrace.SpanKind
		want       bool
	}{
		{"chat", nil, ptrace.SpanKindInternal, true},
		{"generation", map[string]any{"gen_ai.operation.name": "generate_content"}, ptrace.SpanKindClient, true},
		{"agent", map[string]any{"gen_ai.operation.name": "invoke_agent"}, ptrace.SpanKindClient, false},
		{"workflow", map[string]any{"gen_ai.operation.name": "invoke_workflow"}, ptrace.SpanKindInternal, false},
		{"tool", map[string]any{"gen_ai.operation.name": "execute_tool"}, ptrace.SpanKindInternal, false},
		{"older emitter", map[string]any{"gen_ai.operation.name": nil}, ptrace.SpanKindClient, true},
		{"older agent", map[string]any{"gen_ai.operation.name": nil}, ptrace.SpanKindInternal, false},
		{"no model", map[string]any{"gen_ai.operation.name": nil, "gen_ai.request.model": nil}, ptrace.SpanKindClient, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			span := inference(t, c.attributes)
			span.SetKind(c.kind)
			_, ok := FromSpan(pcommon.NewMap(), "s", span, arrival)
			assert.Equal(t, c.want, ok)
		})
	}
}

// Scenario: one span under different scopes, with attributes that one agent writes, and under a foreign service name.
// Guarantee: scope and attributes tell the agent; those that are counted by their logs are not counted here.
func TestAgentOfASpan(t *testing.T) {
	for _, c := range []struct {
		scope      string
		attributes map[string]any
		agent      Agent
		counted    bool
	}{
		{"github.copilot", nil, Copilot, true},
		{"copilot-chat", nil, CopilotChat, true},
		{"my.tracer", map[string]any{"github.copilot.cost": 1.5}, Copilot, true},
		{"codex_cli_rs", nil, Codex, false},
		{"gemini-cli", nil, GeminiCLI, false},
		{"qwen-code", nil, QwenCode, false},
		{"com.anthropic.claude_code.tracing", nil, ClaudeCode, false},
		{"opentelemetry.instrumentation.openai", nil, "opentelemetry.instrumentation.openai", true},
		{"", nil, Unknown, true},
	} {
		resource := pcommon.NewMap()
		resource.PutStr("service.name", "claude-code")
		r, ok := FromSpan(resource, c.scope, inference(t, c.attributes), arrival)
		require.True(t, ok)
		assert.Equal(t, c.agent, r.Agent)
		assert.Equal(t, c.counted, r.Counted(), c.scope)
	}
}

// Scenario: emitters that include caches in input and emitters that do not, known by scope or by their numbers.
// Guarantee: classes exclude each other and add up to the request; nothing is negative.
func TestWhatInputMeans(t *testing.T) {
	for _, c := range []struct {
		name, scope       string
		attributes        map[string]any
		input, read, made uint64
		inconsistent      bool
	}{
		{"convention", "s", map[string]any{"gen_ai.usage.input_tokens": 1100, "gen_ai.usage.cache_read.input_tokens": 1000}, 100, 1000, 0, false},
		{"writes too", "s", map[string]any{"gen_ai.usage.input_tokens": 1100, "gen_ai.usage.cache_read.input_tokens": 600, "gen_ai.usage.cache_creation.input_tokens": 400}, 100, 600, 400, false},
		{"part larger than the whole", "s", map[string]any{"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 1000}, 100, 1000, 0, false},
		{"total of an inclusive one", "s", map[string]any{"gen_ai.usage.input_tokens": 1100, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 1000, "gen_ai.usage.total_tokens": 1105}, 100, 1000, 0, false},
		{"total of an exclusive one", "s", map[string]any{"gen_ai.usage.input_tokens": 1100, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 1000, "gen_ai.usage.total_tokens": 2105}, 1100, 1000, 0, false},
		{"older names, Anthropic", "s", map[string]any{"gen_ai.provider.name": "anthropic", "gen_ai.usage.prompt_tokens": 1100, "gen_ai.usage.cache_read_input_tokens": 1000}, 1100, 1000, 0, false},
		{"older names, OpenAI", "s", map[string]any{"gen_ai.usage.prompt_tokens": 1100, "gen_ai.usage.cache_read_input_tokens": 1000}, 100, 1000, 0, false},
		{"older names, Bedrock", "s", map[string]any{"gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "anthropic.claude-x", "gen_ai.usage.prompt_tokens": 1100, "gen_ai.usage.cache_read_input_tokens": 1000}, 1100, 1000, 0, false},
		{"older names, OpenAI on Bedrock", "s", map[string]any{"gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "openai.gpt-5.6-sol", "gen_ai.usage.prompt_tokens": 1100, "gen_ai.usage.cache_read_input_tokens": 1000}, 100, 1000, 0, false},
		{"known exclusive scope", "opentelemetry.instrumentation.bedrock.v1", map[string]any{"gen_ai.usage.input_tokens": 1100, "gen_ai.usage.cache_read.input_tokens": 1000}, 1100, 1000, 0, false},
		{"known inclusive scope contradicts itself", "pydantic-ai", map[string]any{"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 1000}, 0, 1000, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ok := FromSpan(pcommon.NewMap(), c.scope, inference(t, c.attributes), arrival)
			require.True(t, ok)
			assert.Equal(t, c.input, r.Tokens[engine.ClassInput])
			assert.Equal(t, c.read, r.Tokens[engine.ClassCacheRead])
			assert.Equal(t, c.made, r.Tokens[engine.ClassCacheWrite5m]+r.UnsplitWrites)
			assert.Equal(t, c.inconsistent, r.Inconsistent)
		})
	}
}

// Scenario: a span says at which tier it was served, what it cost, how it failed, and reasoning.
// Guarantee: tiers become modifiers; a cost counts in dollars only; reasoning is a part of output.
func TestWhatSpansTell(t *testing.T) {
	r, ok := FromSpan(pcommon.NewMap(), "s", inference(t, map[string]any{
		"gen_ai.response.model": "m-2", "gen_ai.usage.output_tokens": 100, "gen_ai.usage.reasoning.output_tokens": 80,
		"openai.response.service_tier": "priority", "gen_ai.usage.cost.amount": 0.25, "gen_ai.usage.cost.currency": "USD",
		"gen_ai.usage.server_tool_use.web_search_requests": 3,
	}), arrival)
	require.True(t, ok)
	assert.Equal(t, "m-2", r.Model)
	assert.Equal(t, uint64(100), r.TotalTokens())
	assert.True(t, r.Modifiers.Priority)
	assert.Equal(t, int64(250_000_000_000), r.ReportedPico)
	assert.Equal(t, uint64(3), r.WebSearches)
	assert.Equal(t, 3.0, r.Duration.Seconds())

	euro, _ := FromSpan(pcommon.NewMap(), "s", inference(t, map[string]any{"gen_ai.usage.cost.amount": 0.25, "gen_ai.usage.cost.currency": "EUR"}), arrival)
	assert.False(t, euro.HasReported)
	credits, _ := FromSpan(pcommon.NewMap(), "github.copilot", inference(t, map[string]any{"github.copilot.cost": 7.5}), arrival)
	assert.False(t, credits.HasReported, "credits are no dollars")
	failed, _ := FromSpan(pcommon.NewMap(), "s", inference(t, map[string]any{"error.type": "timeout"}), arrival)
	assert.Equal(t, ErrorTimeout, failed.Error)
	assert.False(t, failed.HasTokens)
}

// Scenario: two layers of instrumentation around one request; two requests; spans without ids.
// Guarantee: layers are one request, requests are two.
func TestKeysOfSpans(t *testing.T) {
	key := func(scope string, id byte, response any) Key {
		span := inference(t, map[string]any{"gen_ai.response.id": response, "gen_ai.usage.output_tokens": int(id)})
		span.SetSpanID(pcommon.SpanID{id})
		if id == 0 {
			span.SetTraceID(pcommon.TraceID{})
		}
		r, ok := FromSpan(pcommon.NewMap(), scope, span, arrival)
		require.True(t, ok)
		return r.Key
	}
	assert.Equal(t, key("outer", 1, "resp"), key("inner", 2, "resp"))
	assert.NotEqual(t, key("s", 1, "resp"), key("s", 2, "resp-2"))
	assert.NotEqual(t, key("s", 1, nil), key("s", 2, nil))
	assert.Equal(t, key("s", 1, nil), key("s", 1, nil))
	assert.NotEqual(t, key("s", 0, nil), key("other", 0, nil))
}

// Scenario: a span ends before it began, has only one time, none, or times out of range.
// Guarantee: it counts, at a time that exists and without a duration.
func TestOddTimesOfSpans(t *testing.T) {
	now := pcommon.NewTimestampFromTime(arrival)
	for _, c := range []struct{ start, end pcommon.Timestamp }{
		{now + 5, now}, {now, 0}, {0, now}, {0, 0}, {now, math.MaxUint64}, {math.MaxUint64, now}, {1, now},
	} {
		span := inference(t, nil)
		span.SetStartTimestamp(c.start)
		span.SetEndTimestamp(c.end)
		r, ok := FromSpan(pcommon.NewMap(), "s", span, arrival)
		require.True(t, ok)
		assert.False(t, r.HasDuration)
		assert.Equal(t, r.Start, r.End)
		assert.WithinDuration(t, arrival, r.End, 1e9)
	}
}
