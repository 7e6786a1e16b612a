// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
)

const captures = "../../tests/data/captures"

// truth is what is known of a recorded session without looking at its telemetry.
type truth struct {
	Sessions []struct {
		ID     string             `json:"session_id"`
		Model  string             `json:"model"`
		Tokens map[string]float64 `json:"tokens"`
		Cost   float64            `json:"cost_usd"`
	} `json:"sessions"`
}

// Scenario: everything that two versions of Claude Code sent in two sessions each, as JSON and as protobuf, and then all
// logs once more; the traces of the same requests come as well.
// Guarantee: tokens, requests and reported cost of each session are exact; the newer client, which tells the lifetime of
// caches, is priced to the cent of a cent as it says itself; repetitions and traces add nothing.
func TestCaptures(t *testing.T) {
	types := map[string]string{"input": "input", "output": "output", "cacheRead": "cache_read", "cacheCreation": "cache_creation"}
	for _, version := range []string{"claude-code-2.1.197", "claude-code-2.1.329"} {
		for _, encoding := range []string{"json", "protobuf"} {
			t.Run(version+"/"+encoding, func(t *testing.T) {
				dir := filepath.Join(captures, version, "two-sessions-"+encoding)
				next := new(consumertest.MetricsSink)
				c := started(t, next, nil)
				for range 2 {
					for _, ld := range capturedLogs(t, dir) {
						require.NoError(t, c.ConsumeLogs(t.Context(), ld))
					}
				}
				traces, err := filepath.Glob(filepath.Join(dir, "*_traces.json"))
				require.NoError(t, err)
				for _, file := range traces {
					require.NoError(t, c.ConsumeTraces(t.Context(), readTraces(t, file)))
				}

				all := next.AllMetrics()
				for _, session := range capturedTruth(t, dir).Sessions {
					of := map[string]string{"session.id": session.ID, "model": session.Model, "agent": "claude-code", "provider": "anthropic", "source": "events"}
					with := func(key, value string) map[string]string {
						wanted := map[string]string{key: value}
						for k, v := range of {
							wanted[k] = v
						}
						return wanted
					}
					for kind, tokens := range session.Tokens {
						assert.InDelta(t, tokens, total(all, "token_ledger.tokens", with("type", types[kind])), 0, kind)
					}
					assert.InDelta(t, 10, total(all, "token_ledger.requests", with("outcome", "ok")), 0)
					assert.InDelta(t, session.Cost, total(all, "token_ledger.cost.reported", of), 1e-12)
					computed := total(all, "token_ledger.cost", of)
					difference := total(all, "token_ledger.cost.difference", of)
					assert.InDelta(t, session.Cost, computed+difference, 1e-12)
					if version == "claude-code-2.1.329" {
						assert.InDelta(t, session.Cost, computed, 1e-12)
						assert.Zero(t, difference)
					} else {
						assert.Positive(t, difference, "no account: caches are assumed to live for five minutes")
					}
				}
				assert.InDelta(t, 20, total(all, "token_ledger.request.duration", nil), 0)
				assert.Zero(t, total(all, "token_ledger.data_quality.requests", nil))
				assert.Zero(t, total(all, "token_ledger.tokens.unpriced", nil))
			})
		}
	}
}

// Scenario: the captures of all four runs, which use the same request ids, in one connector.
// Guarantee: an id hides no request of another session.
func TestSessionsDoNotHideEachOther(t *testing.T) {
	next := new(consumertest.MetricsSink)
	c := started(t, next, nil)
	for _, run := range []string{"claude-code-2.1.197/two-sessions-json", "claude-code-2.1.197/two-sessions-protobuf", "claude-code-2.1.329/two-sessions-json", "claude-code-2.1.329/two-sessions-protobuf"} {
		for _, ld := range capturedLogs(t, filepath.Join(captures, run)) {
			require.NoError(t, c.ConsumeLogs(t.Context(), ld))
		}
	}
	assert.InDelta(t, 80, total(next.AllMetrics(), "token_ledger.requests", nil), 0)
}

func capturedTruth(t *testing.T, dir string) truth {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	require.NoError(t, err)
	var known truth
	require.NoError(t, json.Unmarshal(text, &known))
	require.Len(t, known.Sessions, 2)
	return known
}

func capturedLogs(t *testing.T, dir string) []plog.Logs {
	t.Helper()
	var all []plog.Logs
	files, err := filepath.Glob(filepath.Join(dir, "*_v1_logs.*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if filepath.Ext(file) == ".json" {
			all = append(all, readLogs(t, file))
			continue
		}
		bytes, err := os.ReadFile(file)
		require.NoError(t, err)
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(bytes)
		require.NoError(t, err)
		all = append(all, ld)
	}
	return all
}
