// SPDX-License-Identifier: Apache-2.0

package events

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

const claudeScope = "com.anthropic.claude_code.events"

var arrival = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// record returns a log record with a body and attributes.
func record(t testing.TB, body string, attributes map[string]any) plog.LogRecord {
	t.Helper()
	r := plog.NewLogRecord()
	if body != "" {
		r.Body().SetStr(body)
	}
	r.SetTimestamp(pcommon.NewTimestampFromTime(arrival.Add(-time.Second)))
	require.NoError(t, r.Attributes().FromRaw(attributes))
	return r
}

// claude returns a request of Claude Code with attributes beside those of an ordinary one.
func claude(t testing.TB, attributes map[string]any) *Request {
	t.Helper()
	all := map[string]any{"model": "claude-opus-4-8", "session.id": "s", "input_tokens": int64(1), "output_tokens": int64(2), "request_id": "req_1"}
	for name, value := range attributes {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	r, ok := FromLog(pcommon.NewMap(), claudeScope, record(t, "claude_code.api_request", all), arrival)
	require.True(t, ok)
	return r
}

// Scenario: a record names its event in the body, in the attribute, in the record's own field, with the agent's prefix
// or beside its scope; other records look alike.
// Guarantee: the agent comes from prefix or scope, never from `service.name`; what is no request is left alone.
func TestWhichRecordsAreRequests(t *testing.T) {
	resource := pcommon.NewMap()
	resource.PutStr("service.name", "codex_cli_rs")
	for _, c := range []struct {
		name, scope, body, attribute, field string
		agent                               Agent
	}{
		{"body", "", "claude_code.api_request", "", "", ClaudeCode},
		{"attribute with prefix", "", "", "claude_code.api_request", "", ClaudeCode},
		{"field", "", "", "", "claude_code.api_request", ClaudeCode},
		{"scope and attribute", claudeScope, "", "api_request", "", ClaudeCode},
		{"scope and body", "com.opencode", "api_request", "", "", OpenCode},
		{"prefix before scope", "com.opencode", "claude_code.api_request", "", "", ClaudeCode},
		{"prefix before text", "gemini-cli", "API response from gemini-2.5-pro", "gemini_cli.api_response", "", GeminiCLI},
		{"fork", "", "", "qwen-code.api_response", "", QwenCode},
		{"no agent", "", "api_request", "", "", ""},
		{"another's scope", "clinera", "task.conversation_turn", "", "", ""},
		{"another event", claudeScope, "claude_code.user_prompt", "user_prompt", "", ""},
		{"repeats api_error", claudeScope, "claude_code.api_retries_exhausted", "", "", ""},
		{"content that begins like one", "", "claude_code.api_request" + strings.Repeat(" ", 100), "", "", ""},
		{"nothing", "", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			attributes := map[string]any{"input_tokens": int64(1), "input_token_count": int64(1)}
			if c.attribute != "" {
				attributes["event.name"] = c.attribute
			}
			lr := record(t, c.body, attributes)
			lr.SetEventName(c.field)
			r, ok := FromLog(resource, c.scope, lr, arrival)
			assert.Equal(t, c.agent != "", ok)
			if ok {
				assert.Equal(t, c.agent, r.Agent)
				assert.True(t, r.Counted())
			}
		})
	}
}

// Scenario: numbers arrive as integers, fractions and text; some are none, or cannot be meant.
// Guarantee: what is a whole number in bounds counts, everything else counts 0 and marks the request, which stays one.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  any
		tokens uint64
		broken bool
	}{
		{"integer", int64(17), 17, false},
		{"fraction that is whole", 17.0, 17, false},
		{"text", "17", 17, false},
		{"text with spaces", " 17 ", 17, false},
		{"text of JavaScript", "undefined", 0, false},
		{"absent", nil, 0, false},
		{"zero", int64(0), 0, false},
		{"at the bound", int64(maxTokens), maxTokens, false},
		{"above the bound", int64(maxTokens + 1), 0, true},
		{"largest", int64(math.MaxInt64), 0, true},
		{"negative", int64(-1), 0, true},
		{"fraction", 1.5, 0, true},
		{"not a number", math.NaN(), 0, true},
		{"infinite", math.Inf(1), 0, true},
		{"infinite as text", "Infinity", 0, true},
		{"text that is none", "many", 0, true},
		{"long text", strings.Repeat("1", 100), 0, true},
		{"hexadecimal", "0x11", 0, true},
		{"list", []any{int64(1)}, 0, true},
		{"boolean", true, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := claude(t, map[string]any{"input_tokens": c.value})
			assert.Equal(t, c.tokens, r.Tokens[engine.ClassInput])
			assert.Equal(t, uint64(2), r.Tokens[engine.ClassOutput])
			assert.Equal(t, c.broken, r.Inconsistent)
		})
	}
}

// Scenario: cost, duration and time arrive in the forms that clients have used, and in forms that cannot be meant.
// Guarantee: a cost is read to a millionth of a millionth; what cannot be meant is as good as absent.
func TestCostAndTime(t *testing.T) {
	t.Run("cost", func(t *testing.T) {
		r := claude(t, map[string]any{"cost_usd": 0.022911599999999997, "cost_usd_micros": int64(22912)})
		assert.True(t, r.HasReported)
		assert.Equal(t, int64(22_911_600_000), r.ReportedPico)
	})
	t.Run("micros alone", func(t *testing.T) {
		assert.Equal(t, int64(22_912_000_000), claude(t, map[string]any{"cost_usd_micros": "22912"}).ReportedPico)
	})
	t.Run("zero is reported", func(t *testing.T) {
		assert.True(t, claude(t, map[string]any{"cost_usd": int64(0)}).HasReported)
	})
	for name, cost := range map[string]any{"negative": -1.0, "huge": 1e18, "none": "NaN", "absent": nil} {
		t.Run(name, func(t *testing.T) {
			r := claude(t, map[string]any{"cost_usd": cost})
			assert.False(t, r.HasReported)
			assert.Zero(t, r.ReportedPico)
			assert.Equal(t, cost != nil, r.Inconsistent)
		})
	}
	t.Run("duration", func(t *testing.T) {
		r := claude(t, map[string]any{"duration_ms": "1500"})
		assert.True(t, r.HasDuration)
		assert.Equal(t, 1500*time.Millisecond, r.Duration)
		assert.Equal(t, r.End.Add(-r.Duration), r.Start)
	})
	for name, duration := range map[string]any{"negative": int64(-5), "longer than a day": int64(1e12), "none": math.NaN(), "absent": nil} {
		t.Run("duration "+name, func(t *testing.T) {
			r := claude(t, map[string]any{"duration_ms": duration})
			assert.False(t, r.HasDuration)
			assert.Equal(t, r.End, r.Start)
		})
	}
}

// Scenario: a record has a time, or only the attribute's, or only when it was observed, or none; or one that is out of
// range.
// Guarantee: the first of these is when the request ended; at last the time of arrival.
func TestTimeOfARecord(t *testing.T) {
	own, observed := arrival.Add(-time.Hour), arrival.Add(-time.Minute)
	stamp := pcommon.NewTimestampFromTime
	for _, c := range []struct {
		name       string
		time, seen pcommon.Timestamp
		attribute  string
		want       time.Time
	}{
		{"own", stamp(own), stamp(observed), "2026-01-01T00:00:00Z", own},
		{"attribute", 0, stamp(observed), "2026-11-20T11:00:00.000Z", own},
		{"observed", 0, stamp(observed), "yesterday", observed},
		{"arrival", 0, 0, "", arrival},
		{"out of range", math.MaxUint64, stamp(observed), "", observed},
	} {
		t.Run(c.name, func(t *testing.T) {
			lr := record(t, "claude_code.api_request", map[string]any{"event.timestamp": c.attribute})
			lr.SetTimestamp(c.time)
			lr.SetObservedTimestamp(c.seen)
			r, ok := FromLog(pcommon.NewMap(), claudeScope, lr, arrival)
			require.True(t, ok)
			assert.Equal(t, c.want, r.End)
		})
	}
}

// Scenario: the lifetimes of written caches are told in full, in part, too large, alone, or not at all.
// Guarantee: the rest of a part is five minutes, as it is billed; no split exceeds the whole.
func TestCacheLifetimes(t *testing.T) {
	for _, c := range []struct {
		name                  string
		whole, five, hour     any
		want5m, want1h, split uint64
		broken                bool
	}{
		{"in full", int64(4321), int64(4000), int64(321), 4000, 321, 0, false},
		{"in part", int64(4321), int64(1000), int64(321), 4000, 321, 0, false},
		{"the hour alone", int64(4321), nil, int64(321), 4000, 321, 0, false},
		{"too large", int64(100), int64(80), int64(90), 10, 90, 0, true},
		{"without the whole", nil, int64(80), int64(90), 80, 90, 0, false},
		{"not at all", int64(4321), nil, nil, 0, 0, 4321, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := claude(t, map[string]any{"cache_creation_tokens": c.whole, "cache_creation_5m_tokens": c.five, "cache_creation_1h_tokens": c.hour})
			assert.Equal(t, c.want5m, r.Tokens[engine.ClassCacheWrite5m])
			assert.Equal(t, c.want1h, r.Tokens[engine.ClassCacheWrite1h])
			assert.Equal(t, c.split, r.UnsplitWrites)
			assert.Equal(t, c.broken, r.Inconsistent)
		})
	}
}

// Scenario: pairs of records that are the same request, and pairs that are not.
// Guarantee: keys are equal exactly for the same request; an id hides no request of another session, and no error.
func TestKeys(t *testing.T) {
	same := claude(t, nil).Key
	assert.Equal(t, same, claude(t, map[string]any{"cost_usd": 1.0, "event.sequence": int64(9)}).Key)
	assert.NotEqual(t, same, claude(t, map[string]any{"request_id": "req_2"}).Key)
	assert.NotEqual(t, same, claude(t, map[string]any{"session.id": "other"}).Key)
	assert.Equal(t, claude(t, map[string]any{"request_id": nil, "client_request_id": "c"}).Key, claude(t, map[string]any{"request_id": nil, "client_request_id": "c", "input_tokens": int64(7)}).Key)

	failed, ok := FromLog(pcommon.NewMap(), claudeScope, record(t, "claude_code.api_error", map[string]any{"session.id": "s", "request_id": "req_1"}), arrival)
	require.True(t, ok)
	assert.NotEqual(t, same, failed.Key)

	nameless := map[string]any{"request_id": nil, "event.sequence": int64(4), "event.timestamp": "2026-11-20T11:00:00.000Z"}
	key := func(name string, value any) Key {
		attributes := map[string]any{name: value}
		for n, v := range nameless {
			if n != name {
				attributes[n] = v
			}
		}
		return claude(t, attributes).Key
	}
	first := key("model", "claude-opus-4-8")
	assert.Equal(t, first, key("cost_usd", 0.5))
	for name, value := range map[string]any{"event.sequence": int64(5), "input_tokens": int64(3), "cache_creation_tokens": int64(3), "model": "m", "event.timestamp": "2026-11-20T11:00:01.000Z", "session.id": "x"} {
		assert.NotEqual(t, first, key(name, value), name)
	}
}

// Scenario: errors with a status, with a class, with a text, with nothing.
// Guarantee: one of a few kinds; never the text.
func TestErrorKinds(t *testing.T) {
	for _, c := range []struct {
		attributes map[string]any
		want       ErrorKind
	}{
		{map[string]any{"status_code": int64(529)}, ErrorOverloaded},
		{map[string]any{"status_code": "429"}, ErrorRateLimited},
		{map[string]any{"status_code": int64(401)}, ErrorAuthentication},
		{map[string]any{"status_code": int64(400)}, ErrorInvalidRequest},
		{map[string]any{"status_code": int64(500)}, ErrorServer},
		{map[string]any{"status_code": int64(504)}, ErrorTimeout},
		{map[string]any{"status_code": "undefined", "error": "Request timed out."}, ErrorTimeout},
		{map[string]any{"error": "Request was aborted."}, ErrorCancelled},
		{map[string]any{"error": "Connection error."}, ErrorConnection},
		{map[string]any{"status_code": int64(200), "error": "the plan for project X"}, ErrorOther},
		{map[string]any{}, ErrorOther},
	} {
		r, ok := FromLog(pcommon.NewMap(), claudeScope, record(t, "claude_code.api_error", c.attributes), arrival)
		require.True(t, ok)
		assert.True(t, r.Failed)
		assert.Equal(t, c.want, r.Error, c.attributes)
	}
}
