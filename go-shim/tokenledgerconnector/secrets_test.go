// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const secret = "s3cr3t-value"

// hideSecrets puts the secret wherever an agent may write what is not ours to keep.
func hideSecrets(attributes pcommon.Map) {
	for _, name := range []string{
		"prompt", "prompt_text", "user_prompt", "response", "response_text", "request_text", "body", "tool_input",
		"tool_parameters", "arguments", "output", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
		"http.request.header.authorization", "x-api-key", "authorization", "api_key", "cookie", "exception.stacktrace", "file_path",
		"full_command", "bash_argv0", "unknown.attribute", "token_ledger.cost.usd", "env.ANTHROPIC_API_KEY", "user.password",
	} {
		attributes.PutStr(name, secret)
	}
	attributes.PutEmptySlice("workspace.host_paths").AppendEmpty().SetStr(secret)
	attributes.PutEmptyMap("headers").PutStr("authorization", secret)
	attributes.PutEmptyBytes("bytes").FromRaw([]byte(secret))
	for _, name := range []string{"error", "error.message"} { // what has none must not get one: it tells of a failure
		if v, ok := attributes.Get(name); ok {
			v.SetStr(v.AsString() + secret)
		}
	}
}

// Scenario: records and spans of every agent carry a secret in bodies, prompts, errors, headers, tool arguments, unknown
// attributes, span names, links, events and status, and on resource and scope.
// Guarantee: it is nowhere in what leaves, and the totals are the same as without.
func TestSecretsStayWhereTheyAre(t *testing.T) {
	plain, hidden := new(consumertest.MetricsSink), new(consumertest.MetricsSink)
	inPlain, inHidden := started(t, plain, nil), started(t, hidden, nil)
	logs, err := filepath.Glob("testdata/golden/*/input-*.logs.json")
	require.NoError(t, err)
	traces, err := filepath.Glob("testdata/golden/*/input-*.traces.json")
	require.NoError(t, err)
	for _, file := range logs {
		require.NoError(t, inPlain.ConsumeLogs(t.Context(), readLogs(t, file)))
		ld := readLogs(t, file)
		for _, rl := range ld.ResourceLogs().All() {
			hideSecrets(rl.Resource().Attributes())
			for _, sl := range rl.ScopeLogs().All() {
				hideSecrets(sl.Scope().Attributes())
				for _, record := range sl.LogRecords().All() {
					hideSecrets(record.Attributes())
					if !strings.Contains(record.Body().AsString(), "_") {
						record.Body().SetStr(record.Body().AsString() + secret)
					}
				}
			}
		}
		require.NoError(t, inHidden.ConsumeLogs(t.Context(), ld))
	}
	for _, file := range traces {
		require.NoError(t, inPlain.ConsumeTraces(t.Context(), readTraces(t, file)))
		td := readTraces(t, file)
		for _, rs := range td.ResourceSpans().All() {
			hideSecrets(rs.Resource().Attributes())
			for _, ss := range rs.ScopeSpans().All() {
				hideSecrets(ss.Scope().Attributes())
				for _, span := range ss.Spans().All() {
					hideSecrets(span.Attributes())
					span.SetName(span.Name() + secret)
					span.Status().SetMessage(secret)
					hideSecrets(span.Events().AppendEmpty().Attributes())
					hideSecrets(span.Links().AppendEmpty().Attributes())
				}
			}
		}
		require.NoError(t, inHidden.ConsumeTraces(t.Context(), td))
	}

	require.NotEmpty(t, hidden.AllMetrics())
	for _, md := range hidden.AllMetrics() {
		text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
		require.NoError(t, err)
		assert.NotContains(t, string(text), secret)
	}
	for m := range metricCount {
		name := metrics[m].name
		assert.InDelta(t, total(plain.AllMetrics(), name, nil), total(hidden.AllMetrics(), name, nil), 1e-12, name)
	}
}
