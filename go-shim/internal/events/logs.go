// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"math"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// maxEventName bounds what is looked at as an event's name: bodies can be megabytes of content.
const maxEventName = 64

// FromLog reads a request out of a log record; false if the record is not about one. received stands in for the time
// where the record has none.
func FromLog(resource pcommon.Map, scope string, record plog.LogRecord, received time.Time) (*Request, bool) {
	agent, event, ok := eventOf(scope, record)
	if !ok {
		return nil, false
	}
	parse := logParsers[logEvent{agent, event}]
	if parse == nil {
		return nil, false
	}
	f := &fields{attributes: record.Attributes()}
	r := &Request{Agent: agent, Signal: SignalLogs, End: timeOf(record, received)}
	r.Start = r.End
	if !parse(f, resource, r) {
		return nil, false
	}
	r.Inconsistent = r.Inconsistent || f.broken
	return r, true
}

// logEvent is the name of an event of one agent.
type logEvent struct {
	agent Agent
	name  string
}

// logParsers fill in a request, or return false if the record is not about one after all. Of events that repeat each
// other (Claude Code's api_retries_exhausted, Cline's task.tokens) only one is here.
var logParsers = map[logEvent]func(*fields, pcommon.Map, *Request) bool{
	{ClaudeCode, "api_request"}:        claudeRequest,
	{ClaudeCode, "api_error"}:          claudeError,
	{Codex, "sse_event"}:               codexCompleted,
	{Codex, "api_request"}:             codexAttempt,
	{GeminiCLI, "api_response"}:        geminiResponse,
	{GeminiCLI, "api_error"}:           geminiError,
	{QwenCode, "api_response"}:         geminiResponse,
	{QwenCode, "api_error"}:            geminiError,
	{Cline, "task.conversation_turn"}:  clineTurn,
	{Cline, "task.provider_api_error"}: clineError,
	{OpenCode, "api_request"}:          openCodeRequest,
	{OpenCode, "api_error"}:            openCodeError,
}

// eventOf tells the agent and the event of a record. Agents write the name into the record's field, the attribute
// `event.name` or the body; with their prefix, or without it beside a scope that tells them.
func eventOf(scope string, record plog.LogRecord) (agent Agent, event string, ok bool) {
	var names [3]string
	names[0] = record.EventName()
	if v, ok := record.Attributes().Get("event.name"); ok && v.Type() == pcommon.ValueTypeStr {
		names[1] = v.Str()
	}
	if record.Body().Type() == pcommon.ValueTypeStr {
		names[2] = record.Body().Str()
	}
	for i, name := range names {
		if len(name) > maxEventName {
			names[i] = ""
			continue
		}
		if agent, event, ok := agentOfEvent(name); ok {
			return agent, event, true
		}
	}
	agent, ok = agentOfScope(scope)
	if !ok {
		return "", "", false
	}
	for _, name := range names {
		if name != "" {
			return agent, name, true
		}
	}
	return "", "", false
}

// timeOf is when the event happened: prices depend on it.
func timeOf(record plog.LogRecord, received time.Time) time.Time {
	if t := record.Timestamp(); usableTime(t) {
		return t.AsTime()
	}
	if v, ok := record.Attributes().Get("event.timestamp"); ok && v.Type() == pcommon.ValueTypeStr && len(v.Str()) <= maxEventName {
		if t, err := time.Parse(time.RFC3339Nano, v.Str()); err == nil && t.UnixNano() > 0 {
			return t.UTC()
		}
	}
	if t := record.ObservedTimestamp(); usableTime(t) {
		return t.AsTime()
	}
	return received
}

// usableTime leaves out what no clock shows: 0, and what would be before 1970 as a signed number.
func usableTime(t pcommon.Timestamp) bool { return t > 0 && t <= math.MaxInt64 }

// took sets the duration of a request that ended at the time of its event.
func (r *Request) took(d time.Duration, known bool) {
	if !known {
		return
	}
	r.Duration, r.HasDuration = d, true
	if r.End.UnixNano() > int64(d) {
		r.Start = r.End.Add(-d)
	}
}

// failed marks the request as one that ended in an error.
func (r *Request) failed(kind ErrorKind) {
	r.Failed, r.Error = true, kind
}

// name sets the key from the agent's own name of the request, or from all that describes it where there is none: its
// session, moment, place in the sequence, model and tokens.
func (r *Request) name(f *fields, id string) {
	outcome := "ok"
	if r.Failed {
		outcome = "error"
	}
	if id != "" {
		// A session's ids are its own business, so they cannot hide another session's requests.
		r.Key = keyOf(string(r.Agent), r.Session, outcome, id)
		return
	}
	parts := []string{
		string(r.Agent), r.Session, outcome, "",
		strconv.FormatInt(r.End.UnixNano(), 10), f.text("event.timestamp"), r.Model, f.text("prompt.id", "prompt_id"),
		strconv.FormatUint(r.UnsplitWrites, 10), strconv.FormatInt(int64(r.Duration), 10), string(r.Error),
	}
	if sequence, ok := f.count(1<<53, "event.sequence"); ok {
		parts = append(parts, strconv.FormatUint(sequence, 10))
	}
	for _, tokens := range r.Tokens {
		parts = append(parts, strconv.FormatUint(tokens, 10))
	}
	r.Key = keyOf(parts...)
}
