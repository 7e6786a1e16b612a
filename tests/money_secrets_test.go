package tests

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// secret stands for everything that people type, models answer, and programs know of keys.
const secret = "s3cr3t-e2e-value"

// secretNames are where clients and instrumentations put such things.
var secretNames = []string{
	"prompt", "prompt_text", "response", "body", "tool_input", "tool_parameters", "error", "error.message", "gen_ai.input.messages",
	"gen_ai.output.messages", "gen_ai.system_instructions", "http.request.header.authorization", "http.request.header.x-api-key",
	"x-api-key", "authorization", "api_key", "cookie", "env.ANTHROPIC_API_KEY", "full_command", "something.unknown",
}

// event is a record of Claude Code, just now, with secrets wherever they fit.
func event(name string, attributes map[string]any) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "claude-code")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("com.anthropic.claude_code.events")
	record := sl.LogRecords().AppendEmpty()
	record.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	record.Body().SetStr("claude_code." + name)
	record.Attributes().PutStr("event.name", name)
	for key, value := range attributes {
		_ = record.Attributes().PutEmpty(key).FromRaw(value)
	}
	return ld
}

// span is an inference by the GenAI conventions, which ended just now.
func span(attributes map[string]any) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("shop.instrumentation")
	one := ss.Spans().AppendEmpty()
	now := time.Now()
	one.SetName("chat")
	one.SetKind(ptrace.SpanKindClient)
	one.SetTraceID(pcommon.TraceID{1, 2, 3})
	one.SetSpanID(pcommon.SpanID{byte(now.UnixNano()), byte(now.UnixNano() >> 8), byte(now.UnixNano() >> 16), 1})
	one.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-2 * time.Second)))
	one.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
	for key, value := range attributes {
		_ = one.Attributes().PutEmpty(key).FromRaw(value)
	}
	return td
}

func sendLogs(t *testing.T, client *harness.Client, ld plog.Logs) {
	t.Helper()
	request, err := capture.FromLogs(ld, capture.Protobuf)
	require.NoError(t, err)
	require.NoError(t, client.Send(t.Context(), request))
}

func sendTraces(t *testing.T, client *harness.Client, td ptrace.Traces) {
	t.Helper()
	request, err := capture.FromTraces(td, capture.Protobuf)
	require.NoError(t, err)
	require.NoError(t, client.Send(t.Context(), request))
}

// textOf is a page as it is.
func textOf(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(text)
}

// Scenario: requests that ended well and with errors, as records and as spans, with prompts, answers, texts of errors and
// keys in attributes of record, scope and resource.
// Guarantee: they are counted by how they ended, with tokens and costs, and nothing of the secrets is on the page, in the
// collector's own metrics or in its log.
func TestSecretsAndErrorsOfEvents(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Base: fromEvents})
	client := collector.Client(t, harness.GRPC)
	with := func(more map[string]any) map[string]any {
		out := map[string]any{"session.id": "a session", "model": "claude-opus-5-5", "headers": map[string]any{"authorization": secret}}
		for key, value := range more {
			out[key] = value
		}
		return out
	}
	logs := []plog.Logs{
		event("api_request", with(map[string]any{"request_id": "good", "input_tokens": 1000, "output_tokens": 100, "cost_usd": 0.006, "duration_ms": 5})),
		event("api_error", with(map[string]any{"request_id": "busy", "status_code": 429, "error": "429 " + secret})),
		event("api_error", with(map[string]any{"request_id": "overloaded", "status_code": 529, "error": "529 " + secret})),
		event("api_error", with(map[string]any{"request_id": "denied", "status_code": 401, "error": "invalid x-api-key " + secret})),
		event("user_prompt", with(map[string]any{"prompt": secret})),
		event("api_request_body", with(map[string]any{"body": secret})),
	}
	for _, ld := range logs {
		rl := ld.ResourceLogs().At(0)
		for _, attributes := range []pcommon.Map{rl.Resource().Attributes(), rl.ScopeLogs().At(0).Scope().Attributes(), rl.ScopeLogs().At(0).LogRecords().At(0).Attributes()} {
			hideSecrets(attributes)
		}
		sendLogs(t, client, ld)
		sendLogs(t, client, ld)
	}
	td := span(map[string]any{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-opus-5-5",
		"gen_ai.response.id": "msg_1", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
	})
	hideSecrets(td.ResourceSpans().At(0).Resource().Attributes())
	one := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	hideSecrets(one.Attributes())
	hideSecrets(one.Events().AppendEmpty().Attributes())
	one.Status().SetMessage(secret)
	one.SetName("chat " + secret)
	sendTraces(t, client, td)
	sendTraces(t, client, td)

	collector.Settle(t)
	page := collector.Page(t)
	for _, agent := range []string{"claude-code", "shop.instrumentation"} {
		assert.Equal(t, 1.0, page.Sum("token_ledger_requests_total", "outcome", "ok", "agent", agent), agent)
		assert.InDelta(t, 1000*4e-6+100*20e-6, page.Sum("token_ledger_cost_USD_total", "agent", agent), costTolerance, agent)
	}
	for _, kind := range []string{"rate_limited", "overloaded", "authentication"} {
		assert.Equal(t, 1.0, page.Sum("token_ledger_requests_total", "outcome", "error", "error_type", kind), kind)
	}
	assert.Equal(t, 3.0, page.Sum("token_ledger_requests_total", "outcome", "error"))
	for what, text := range map[string]string{
		"page": textOf(t, collector.PageURL()), "own metrics": textOf(t, collector.SelfMetricsURL()), "log": collector.Log(),
	} {
		assert.NotContains(t, text, secret, what)
	}
}

// hideSecrets puts the secret where it is not yet something that tells of a failure.
func hideSecrets(attributes pcommon.Map) {
	for _, name := range secretNames {
		if _, there := attributes.Get(name); !there && name != "error" && name != "error.message" {
			attributes.PutStr(name, secret)
		}
	}
}
