// SPDX-License-Identifier: Apache-2.0

package attribution

import "strings"

// agentAttribute is where the agent's name goes.
const agentAttribute = "agent"

// agentPrefixes are the beginnings of the names of metrics, events and spans, each followed by a dot or an underscore,
// with the names that the engine gives to agents (rust/engine/src/usage). Dots and dashes are taken as underscores, as
// Prometheus writes them.
var agentPrefixes = [...]struct{ prefix, agent string }{
	{"claude_code", "claude-code"},
	{"codex", "codex"},
	{"gemini_cli", "gemini-cli"},
	{"qwen_code", "qwen-code"},
	{"github_copilot", "github-copilot"},
	{"copilot_chat", "copilot-chat"},
	{"cursor", "cursor"},
	{"opencode", "opencode"},
	{"cline", "cline"},
	{"continue_cli", "continue-cli"},
}

// agentScopes are names of scopes, or their beginnings.
var agentScopes = [...]struct{ prefix, agent string }{
	{"com_anthropic_claude_code", "claude-code"}, // .events and .tracing behind it for logs and traces
	{"codex", "codex"},
	{"gemini_cli", "gemini-cli"},
	{"qwen_code", "qwen-code"},
	{"github_copilot", "github-copilot"},
	{"copilot_chat", "copilot-chat"},
	{"cursor_telemetry", "cursor"},
	{"opencode", "opencode"},
}

// agentOfName tells the agent from the name of a metric, an event or a span; empty if it is none of a known agent's.
func agentOfName(name string) string {
	for i := range agentPrefixes {
		known := &agentPrefixes[i]
		if len(name) > len(known.prefix) && isSeparator(name[len(known.prefix)]) && isSpelled(name[:len(known.prefix)], known.prefix) {
			return known.agent
		}
	}
	return ""
}

// agentOfScope tells the agent from the name of a scope; empty if it is none of a known agent's.
func agentOfScope(name string) string {
	for i := range agentScopes {
		known := &agentScopes[i]
		if len(name) < len(known.prefix) || !isSpelled(name[:len(known.prefix)], known.prefix) {
			continue
		}
		if rest := name[len(known.prefix):]; rest == "" || strings.IndexByte("._-/:", rest[0]) >= 0 {
			return known.agent
		}
	}
	return ""
}

func isSeparator(char byte) bool { return char == '.' || char == '_' }

// isSpelled says whether name is folded, with dots and dashes taken as underscores. Both have the same length.
func isSpelled(name, folded string) bool {
	for i := range len(name) {
		char := name[i]
		if char == '.' || char == '-' {
			char = '_'
		}
		if char != folded[i] {
			return false
		}
	}
	return true
}
