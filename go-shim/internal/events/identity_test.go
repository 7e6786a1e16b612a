// SPDX-License-Identifier: Apache-2.0

package events

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Scenario: attributes stand on the record, on the resource, on both, under another name, as a list, or nowhere.
// Guarantee: exactly the named ones are copied, the record's first, with their types and a bounded length.
func TestPutIdentity(t *testing.T) {
	recordAttributes, resource, into := pcommon.NewMap(), pcommon.NewMap(), pcommon.NewMap()
	require.NoError(t, recordAttributes.FromRaw(map[string]any{"both": "record", "flag": true, "number": int64(7), "list": []any{"a"}, "empty": "", "long": strings.Repeat("ä", 200), "prompt": "secret"}))
	require.NoError(t, resource.FromRaw(map[string]any{"both": "resource", "one": "resource", "empty": "resource", "password": "secret"}))
	r := &Request{Session: "conversation", User: "somebody"}
	r.PutIdentity([]string{"both", "one", "flag", "number", "list", "empty", "long", "absent", "session.id", "user.id"}, recordAttributes, resource, into)
	assert.Equal(t, map[string]any{
		"both": "record", "one": "resource", "flag": true, "number": int64(7), "empty": "resource", "long": strings.Repeat("ä", 128),
		"session.id": "conversation", "user.id": "somebody",
	}, into.AsRaw())
}

// Scenario: records with and without anything that says who made the request.
// Guarantee: any of the known names counts, on the record or the resource.
func TestHasUser(t *testing.T) {
	empty := pcommon.NewMap()
	assert.False(t, (&Request{}).HasUser(empty, empty))
	assert.True(t, (&Request{User: "u"}).HasUser(empty, empty))
	for _, name := range users {
		with := pcommon.NewMap()
		with.PutStr(name, "x")
		assert.True(t, (&Request{}).HasUser(with, empty), name)
		assert.True(t, (&Request{}).HasUser(empty, with), name)
		blank := pcommon.NewMap()
		blank.PutStr(name, "")
		assert.False(t, (&Request{}).HasUser(blank, empty), name)
	}
}

// Scenario: names of attributes that people might ask for.
// Guarantee: what holds content or secrets is known as such, what identifies is not.
func TestHoldsContent(t *testing.T) {
	for _, name := range []string{"prompt", "prompt_text", "response", "body", "error.message", "tool_input", "gen_ai.input.messages", "gen_ai.prompt.0.content", "http.request.header.authorization", "x.api_key", "DB_PASSWORD", "client.secret"} {
		assert.True(t, HoldsContent(name), name)
	}
	for _, name := range []string{"session.id", "user.email", "prompt.id", "organization.id", "query_source", "skill.name", "team", "cost_center", "vcs.repository.name", "project.name"} {
		assert.False(t, HoldsContent(name), name)
	}
}
