// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/tokenledger/tokenledger/go-shim/internal/attribution"
)

// withAttribution is a configuration that has the section.
type withAttribution struct {
	Attribution AttributionConfig `mapstructure:"attribution"`
}

func loadAttribution(t *testing.T, text string) (*AttributionConfig, error) {
	t.Helper()
	var content map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &content))
	cfg := withAttribution{Attribution: defaultAttribution()}
	if err := confmap.NewFromStringMap(content).Unmarshal(&cfg); err != nil {
		return nil, err
	}
	return &cfg.Attribution, confmap.Validate(&cfg)
}

// Scenario: the section is absent, empty, or has everything.
// Guarantee: it is off only where it is absent; what is left out has the documented default, what is written arrives;
// aliases are added to the default, an empty list removes one.
func TestAttributionAccepted(t *testing.T) {
	cfg, err := loadAttribution(t, "{}")
	require.NoError(t, err)
	assert.False(t, cfg.enabled)

	cfg, err = loadAttribution(t, "attribution: {}")
	require.NoError(t, err)
	assert.Equal(t, &AttributionConfig{
		Key: "user.email", Unmatched: "unattributed", Agent: true, ReloadInterval: 10 * time.Second, BudgetInterval: time.Minute,
		Aliases: map[string][]string{"team": {"team", "team.id", "team_id", "team.name", "department", "squad"}},
		enabled: true,
	}, cfg)

	cfg, err = loadAttribution(t, `
attribution:
  file: /etc/tokenledger/users.yaml
  key: user.id
  attributes: [team, cost_center]
  unmatched: ""
  aliases: {team: [], project: [repo, vcs.repository.name]}
  agent: false
  reload_interval: 1s
  budget_interval: 0s
`)
	require.NoError(t, err)
	assert.Equal(t, &AttributionConfig{
		File: "/etc/tokenledger/users.yaml", Key: "user.id", Attributes: []string{"team", "cost_center"}, ReloadInterval: time.Second,
		Aliases: map[string][]string{"team": {}, "project": {"repo", "vcs.repository.name"}},
		enabled: true,
	}, cfg)
	assert.Equal(t, attribution.Settings{
		Key: "user.id", Attributes: []string{"team", "cost_center"}, Aliases: map[string][]string{"project": {"repo", "vcs.repository.name"}},
	}, cfg.settings())
}

// Scenario: one setting cannot be used.
// Guarantee: the message names the key, the value, and what to write instead.
func TestAttributionRefused(t *testing.T) {
	for text, parts := range map[string][]string{
		"fiel: x":                             {"invalid keys", "fiel"},
		`file: " "`:                           {`attribution: file is " "`, "name a CSV or YAML file", "leave it empty"},
		"attributes: [team]":                  {`attributes names "team"`, "file is empty", "remove attributes"},
		`key: " "`:                            {`key is " "`, `the default is "user.email"`},
		"{file: x, attributes: [user.email]}": {`attributes has "user.email", which is the key`, "remove it"},
		"{file: x, attributes: [a, a]}":       {`attributes has "a" twice`, "remove one"},
		"{file: x, attributes: ['']}":         {`attributes has "" at position 1`, "name an attribute"},
		"aliases: {'': [a]}":                  {`aliases has ""`, "name an attribute or remove the entry"},
		"aliases: {user.email: [mail]}":       {`aliases has "user.email", which is the key`, "set key to the attribute"},
		"aliases: {project: [repo, repo]}":    {`aliases of "project" has "repo" twice`},
		"aliases: {project: [' ']}":           {`aliases of "project" has " " at position 1`, "name a spelling"},
		"aliases: {a: [b], b: [a]}":           {`aliases of "a" has "b", which has aliases itself`, `aliases of "b" has "a"`, "remove one of the two"},
		"aliases: {a: [b], b: [c], c: [a]}":   {`aliases of "a" has "b"`, `aliases of "c" has "a"`},
		"aliases: {group: [team]}":            {`aliases of "group" has "team", which has aliases itself`},
		"reload_interval: 0s":                 {"reload_interval is 0s", "at least 1s", "default is 10s"},
		"budget_interval: 10ms":               {"budget_interval is 10ms", "at least 1s, or 0s to send no budgets", "default is 1m0s"},
		"budget_interval: -1s":                {"budget_interval is -1s"},
		"aliases: {" + manyAliases() + "}":    {"aliases has 66 attributes", "at most 64"},
	} {
		t.Run(text, func(t *testing.T) {
			if !strings.HasPrefix(text, "{") {
				text = "{" + text + "}"
			}
			_, err := loadAttribution(t, "attribution: "+text)
			require.Error(t, err)
			for _, part := range parts {
				assert.ErrorContains(t, err, part)
			}
		})
	}
}

func manyAliases() string {
	var entries []string
	for i := range maxAliases + 1 {
		entries = append(entries, "a"+strings.Repeat("i", i)+": [x"+strings.Repeat("i", i)+"]")
	}
	return strings.Join(entries, ", ")
}
