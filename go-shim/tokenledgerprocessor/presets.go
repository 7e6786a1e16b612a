// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

// presets are the ready sets of rules, by the name that a rule gives as `preset`. The README says the same for users.
var presets = map[string][]RuleConfig{
	"claude_code": {{
		Metrics: []string{"claude_code.*", "token_ledger.*"}, // what is computed or counted of it too
		Drop: []string{
			// A new value for each session: what makes the number of series grow without end.
			"session.id",
			"ccr.session.id", // the same for sessions in the cloud

			// The person once more: whoever is signed in has `user.email`, and everybody has `user.id`.
			"user.account_uuid",
			"user.account_id",
			"enduser.sub", // the identity provider's name for the person

			// A new value for each release of the client, several a week: every series would start anew.
			"app.version",
		},
		// Names that users make up themselves, with no bound at the source.
		MaxValues: map[string]int{
			"agent.name": 200,
			"skill.name": 200,
		},
		// What stays: the dimensions that people ask about (`user.email`, `model`, `type`, `query_source`, `speed`,
		// `effort`, `user.groups`, `organization.id`, `vcs.*`, custom attributes, tools, plugins and MCP servers, and
		// those with a handful of values, such as `terminal.type`). `user.id` stays because with an API key, Bedrock,
		// Vertex or Foundry nothing else tells people apart.
	}},
}

// expand replaces presets by the rules that they stand for.
func expand(rules []RuleConfig) []RuleConfig {
	expanded := make([]RuleConfig, 0, len(rules))
	for _, rule := range rules {
		if rule.Preset == "" {
			expanded = append(expanded, rule)
		} else {
			expanded = append(expanded, presets[rule.Preset]...)
		}
	}
	return expanded
}
