// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// FromSpan reads a request out of a span: Claude Code's `claude_code.llm_request`, and spans of inference by the GenAI
// conventions. False if the span is about something else, such as an agent's whole turn, whose totals repeat those of
// the requests below it. received stands in for the time where the span has none.
func FromSpan(resource pcommon.Map, scope string, span ptrace.Span, received time.Time) (*Request, bool) {
	f := &fields{attributes: span.Attributes()}
	r := &Request{Agent: agentOfSpan(scope, span), Signal: SignalTraces}
	r.spans(span, received)
	switch {
	case span.Name() == "claude_code.llm_request":
		claudeSpan(f, resource, r)
	case isInference(f, span):
		genAISpan(f, resource, scope, span, r)
	default:
		return nil, false
	}
	r.Inconsistent = r.Inconsistent || f.broken
	return r, true
}

// agentOfSpan tells the agent by the scope, by the span's name, or by attributes that only one agent writes: the scope
// of Copilot's spans can be configured. Whoever else writes GenAI spans goes by the name of the scope.
func agentOfSpan(scope string, span ptrace.Span) Agent {
	if agent, ok := agentOfScope(scope); ok {
		return agent
	}
	if agent, _, ok := agentOfEvent(span.Name()); ok {
		return agent
	}
	for key := range span.Attributes().All() {
		switch {
		case strings.HasPrefix(key, "github.copilot."):
			return Copilot
		case strings.HasPrefix(key, "copilot_chat."):
			return CopilotChat
		case strings.HasPrefix(key, "codex."):
			return Codex
		}
	}
	if scope == "" {
		return Unknown
	}
	return Agent(bounded(scope))
}

// spans takes the times of the span.
func (r *Request) spans(span ptrace.Span, received time.Time) {
	start, end := span.StartTimestamp(), span.EndTimestamp()
	switch {
	case usableTime(end):
		r.End = end.AsTime()
	case usableTime(start):
		r.End = start.AsTime()
	default:
		r.End = received
	}
	r.Start = r.End
	if usableTime(start) && usableTime(end) && start <= end && end.AsTime().Sub(start.AsTime()) <= maxDuration {
		r.Start = start.AsTime()
		r.Duration, r.HasDuration = r.End.Sub(r.Start), true
	}
}

// isInference tells a span of one call of a model from one of an agent, a tool or a workflow. Emitters from before
// `gen_ai.operation.name` are believed if the span is that of a client and names a model.
func isInference(f *fields, span ptrace.Span) bool {
	switch f.text("gen_ai.operation.name") {
	case "chat", "text_completion", "generate_content", "embeddings":
		return true
	case "":
		return span.Kind() == ptrace.SpanKindClient && f.text(genAIModel...) != "" && f.text(genAIProvider...) != ""
	default:
		return false
	}
}
