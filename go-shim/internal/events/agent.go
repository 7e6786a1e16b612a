// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import "strings"

// Agent is the name under which an agent's requests are shown.
type Agent string

// The agents that are known by name. Any other emitter of GenAI spans goes by the name of its scope.
const (
	ClaudeCode Agent = "claude-code"
	Codex      Agent = "codex"
	GeminiCLI  Agent = "gemini-cli"
	QwenCode   Agent = "qwen-code"
	// Copilot is the command line; CopilotChat is the extension of VS Code.
	Copilot     Agent = "github-copilot"
	CopilotChat Agent = "copilot-chat"
	Cline       Agent = "cline"
	OpenCode    Agent = "opencode"
	// Unknown is an emitter of GenAI spans whose scope has no name.
	Unknown Agent = "unknown"
)

// Signal is a kind of telemetry that reports requests.
type Signal int

// The signals.
const (
	SignalLogs Signal = iota
	SignalTraces
)

// CountedSignal is the one signal of an agent that totals are made of. Logs where an agent writes one record per
// request, because it is written once and carries what the agent says it cost; traces elsewhere. Claude Code, Codex,
// Gemini CLI and Qwen Code report the same requests in spans as well: those do not count.
func CountedSignal(agent Agent) Signal {
	switch agent {
	case ClaudeCode, Codex, GeminiCLI, QwenCode, Cline, OpenCode:
		return SignalLogs
	default:
		return SignalTraces
	}
}

// scopePrefixes tell an agent by the name of its scope. Longer names come before their beginnings.
var scopePrefixes = []struct {
	prefix string
	agent  Agent
}{
	{"com.anthropic.claude_code", ClaudeCode},
	{"codex", Codex}, // codex_cli_rs, codex_exec, codex_tui, codex-app-server, codex_otel
	{"gemini-cli", GeminiCLI},
	{"gemini_cli", GeminiCLI},
	{"qwen-code", QwenCode},
	{"github.copilot", Copilot}, // the command line
	{"copilot-chat", CopilotChat},
	{"copilot_chat", CopilotChat},
	{"cline", Cline},
	{"com.opencode", OpenCode},
	{"opencode", OpenCode},
}

// eventPrefixes tell an agent by the beginning of an event's or an attribute's name.
var eventPrefixes = []struct {
	prefix string
	agent  Agent
}{
	{"claude_code.", ClaudeCode},
	{"codex.", Codex},
	{"gemini_cli.", GeminiCLI},
	{"qwen-code.", QwenCode},
}

// agentOfScope tells an agent by the name of a scope. The prefix has to end at a border between words, so that
// `clinera` is not `cline`.
func agentOfScope(scope string) (Agent, bool) {
	for _, known := range scopePrefixes {
		rest, ok := strings.CutPrefix(scope, known.prefix)
		if ok && (rest == "" || !isLetterOrDigit(rest[0])) {
			return known.agent, true
		}
	}
	return "", false
}

// agentOfEvent tells an agent by the full name of an event, and returns the name without the agent's prefix.
func agentOfEvent(name string) (agent Agent, event string, ok bool) {
	for _, known := range eventPrefixes {
		if rest, ok := strings.CutPrefix(name, known.prefix); ok {
			return known.agent, rest, true
		}
	}
	return "", "", false
}

func isLetterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
