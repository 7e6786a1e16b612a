// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Scenario: metrics of each client under its own names, as Prometheus writes them, under names of the conventions, and
// of no client.
// Guarantee: the agent is told from name or scope, as the engine names it; service.name tells nothing.
func TestAgentOfMetrics(t *testing.T) {
	for _, test := range []struct{ scope, metric, agent string }{
		{"com.anthropic.claude_code", "claude_code.token.usage", "claude-code"},
		{"", "claude_code_token_usage_tokens_total", "claude-code"},
		{"com.anthropic.claude_code", "something.new", "claude-code"},
		{"codex", "codex.turn.token_usage", "codex"},
		{"gemini-cli", "gemini_cli.token.usage", "gemini-cli"},
		{"gemini-cli", "gen_ai.client.token.usage", "gemini-cli"},
		{"", "qwen-code.token.usage", "qwen-code"},
		{"", "qwen_code_token_usage_total", "qwen-code"},
		{"github.copilot", "gen_ai.client.token.usage", "github-copilot"},
		{"", "github.copilot.tool.call.count", "github-copilot"},
		{"copilot-chat", "gen_ai.client.operation.duration", "copilot-chat"},
		{"", "copilot_chat.tool.call.count", "copilot-chat"},
		{"cursor.telemetry", "cursor.token.usage", "cursor"},
		{"", "opencode.cost.usage", "opencode"},
		{"", "cline.tokens.input", "cline"},
		{"", "continue_cli_cost_usage", "continue-cli"},
		{"my.app", "gen_ai.client.token.usage", ""},
		{"my.app", "claude_codex.token.usage", ""},
		{"my.app", "claude_code", ""},
		{"claude_code", "http.server.duration", ""},
		{"codexample", "http.server.duration", ""},
		{"cursor-pagination", "http.server.duration", ""},
		{"", "token_ledger.cost", ""},
	} {
		md := one(test.metric, raw{"service.name": "claude-code"}, nil)
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Scope().SetName(test.scope)
		newAttributor(t, Settings{Key: DefaultKey, Agent: true}, "").Metrics(md)
		assertAgent(t, test.agent, firstPoint(md).Attributes().AsRaw(), test.scope+" "+test.metric)
	}
}

func assertAgent(t *testing.T, want string, attributes map[string]any, what string) {
	t.Helper()
	if want == "" {
		assert.NotContains(t, attributes, "agent", what)
		return
	}
	assert.Equal(t, want, attributes["agent"], what)
}

// Scenario: log records of each client, the event's name in any of its three places, and a message that begins with one.
// Guarantee: as above, and the record's user gets their team.
func TestLogs(t *testing.T) {
	a := newAttributor(t, usual(), people)
	for name, test := range map[string]struct {
		build func(plog.ScopeLogs, plog.LogRecord)
		agent string
	}{
		"scope":      {func(sl plog.ScopeLogs, _ plog.LogRecord) { sl.Scope().SetName("com.anthropic.claude_code.events") }, "claude-code"},
		"event name": {func(_ plog.ScopeLogs, r plog.LogRecord) { r.SetEventName("codex.sse_event") }, "codex"},
		"event attribute": {func(_ plog.ScopeLogs, r plog.LogRecord) {
			r.Attributes().PutStr("event.name", "gemini_cli.api_response")
		}, "gemini-cli"},
		"body":        {func(_ plog.ScopeLogs, r plog.LogRecord) { r.Body().SetStr("claude_code.api_request") }, "claude-code"},
		"message":     {func(_ plog.ScopeLogs, r plog.LogRecord) { r.Body().SetStr("claude_code.api_request is what I saw") }, ""},
		"other event": {func(_ plog.ScopeLogs, r plog.LogRecord) { r.Attributes().PutInt("event.name", 5) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ld := plog.NewLogs()
			rl := ld.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", "opencode")
			sl := rl.ScopeLogs().AppendEmpty()
			record := sl.LogRecords().AppendEmpty()
			test.build(sl, record)
			a.Logs(ld)
			assertAgent(t, test.agent, record.Attributes().AsRaw(), name)
			_, attributed := record.Attributes().Get("team")
			assert.Equal(t, test.agent != "", attributed)

			record.Attributes().PutStr("user.email", "ann@example.com")
			a.Logs(ld)
			assert.Equal(t, "payments", record.Attributes().AsRaw()["team"])
		})
	}
}

// Scenario: spans of clients by scope and by name, of Cursor with the user on the resource, and of no client.
// Guarantee: as above.
func TestTraces(t *testing.T) {
	a := newAttributor(t, usual(), people)
	for _, test := range []struct{ scope, span, agent string }{
		{"com.anthropic.claude_code.tracing", "anything", "claude-code"},
		{"", "claude_code.llm_request", "claude-code"},
		{"", "qwen-code.llm_request", "qwen-code"},
		{"", "GET /claude_code", ""},
	} {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName(test.scope)
		span := ss.Spans().AppendEmpty()
		span.SetName(test.span)
		a.Traces(td)
		assertAgent(t, test.agent, span.Attributes().AsRaw(), test.scope+" "+test.span)
		rs.Resource().Attributes().PutStr("cursor.user.email", "ann@example.com")
		a.Traces(td)
		assert.Equal(t, "payments", span.Attributes().AsRaw()["team"])
	}
}

// Scenario: telemetry without anything in it.
// Guarantee: nothing happens.
func TestEmptyRequests(t *testing.T) {
	a := newAttributor(t, usual(), people)
	a.Metrics(pmetric.NewMetrics())
	a.Logs(plog.NewLogs())
	a.Traces(ptrace.NewTraces())
}
