// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// users are the attributes that tell who made a request, as agents and gateways name them.
var users = []string{
	"user.id", "user.email", "user.account_uuid", "user.account_id", "enduser.id", "enduser.sub", "cursor.user.email", "cursor.user.id",
}

// HasUser tells whether anything says who made the request.
func (r *Request) HasUser(record, resource pcommon.Map) bool {
	if r.User != "" {
		return true
	}
	for _, name := range users {
		if _, ok := plain(record, name); ok {
			return true
		}
		if _, ok := plain(resource, name); ok {
			return true
		}
	}
	return false
}

// PutIdentity copies the named attributes, of the record or else of the resource, and no other. `session.id` and
// `user.id` stand for what agents name otherwise. Text is cut to a bounded length; lists and maps are left out.
func (r *Request) PutIdentity(names []string, record, resource, into pcommon.Map) {
	for _, name := range names {
		switch {
		case CopyPlain(name, record, into), CopyPlain(name, resource, into):
		case name == "session.id" && r.Session != "":
			into.PutStr(name, r.Session)
		case name == "user.id" && r.User != "":
			into.PutStr(name, r.User)
		}
	}
}

// CopyPlain copies an attribute that holds one value; false if there is none. Text is cut to a bounded length.
func CopyPlain(name string, from, into pcommon.Map) bool {
	v, ok := plain(from, name)
	switch {
	case !ok:
		return false
	case v.Type() == pcommon.ValueTypeStr:
		into.PutStr(name, bounded(v.Str()))
	default:
		v.CopyTo(into.PutEmpty(name))
	}
	return true
}

// plain is an attribute that holds one value that is not empty.
func plain(attributes pcommon.Map, name string) (pcommon.Value, bool) {
	v, ok := attributes.Get(name)
	if !ok {
		return v, false
	}
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return v, v.Str() != ""
	case pcommon.ValueTypeInt, pcommon.ValueTypeBool, pcommon.ValueTypeDouble:
		return v, true
	default:
		return v, false
	}
}

// contentNames are attributes, and contentParts parts of names, that hold what people and models write, or secrets.
var (
	contentNames = map[string]bool{
		"prompt": true, "prompt_text": true, "user_prompt": true, "response": true, "body": true, "error": true, "error.message": true,
		"arguments": true, "output": true, "input": true, "tool_input": true, "tool_parameters": true, "request_text": true, "response_text": true,
		"full_command": true, "function_args": true, "stdout": true, "stderr": true,
	}
	contentParts = []string{
		"messages", "gen_ai.prompt", "gen_ai.completion", "system_instructions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
		"authorization", "api_key", "apikey", "api-key", "password", "secret", "credential", "cookie", ".header.", "headers",
	}
)

// HoldsContent tells an attribute that must not become part of a metric's identity, whoever asks for it.
func HoldsContent(name string) bool {
	lower := strings.ToLower(name)
	if contentNames[lower] {
		return true
	}
	for _, part := range contentParts {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return false
}
