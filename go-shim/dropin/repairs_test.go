// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/xconfmap"

	"github.com/tokenledger/tokenledger/go-shim/internal/readmetest"
)

// Scenario: each case of testdata/repairs is resolved as at a start and repaired.
// Guarantee: it becomes what the case says, with exactly these lines in the log; what needs nothing keeps even both forms
// of values from variables; and a second pass changes nothing (idempotence).
func TestRepairs(t *testing.T) {
	for rule, cases := range ruleCases(t, "repairs") {
		for _, c := range cases {
			t.Run(rule+"/"+c.Name, func(t *testing.T) {
				for name, value := range c.Environment {
					t.Setenv(name, value)
				}
				asImage(t, c.Image)
				conf := resolve(t, baseConfiguration(t), c.Input)
				before := xconfmap.ToStringMapRaw(conf)

				assert.Equal(t, c.Entries, passThrough(t, conf, c.Environment, repair))
				if c.Output == "" {
					assert.Equal(t, before, xconfmap.ToStringMapRaw(conf))
				} else {
					assert.Equal(t, resolve(t, baseConfiguration(t), c.Output).ToStringMap(), conf.ToStringMap())
				}

				once := xconfmap.ToStringMapRaw(conf)
				passThrough(t, conf, c.Environment, repair)
				assert.Equal(t, once, xconfmap.ToStringMapRaw(conf))
			})
		}
	}
}

// Scenario: the rules in the code, the files of cases and the table in README.md are put beside each other.
// Guarantee: each rule has cases that show it and a row that explains it, and there are no others.
func TestRepairsAreDocumentedAndTested(t *testing.T) {
	rules := []string{
		ruleComponentName, ruleExporterLogging, ruleExporterBatcher, ruleRemoteWriteHTTP, ruleMemoryBallast, ruleFormerSetting,
		ruleLimiterInterval,
		ruleHealthCheckV2, ruleHTTPKeepAlive, ruleMetricSuffixes, ruleResourceLabels, ruleActionValue,
		ruleSelfMetricsHost, ruleSelfMetricsReader, ruleProfilesPipeline, rulePartUnused, rulePartMissing,
	}
	slices.Sort(rules)
	requireShown(t, rules, ruleCases(t, "repairs"))
	assert.Equal(t, rules, documentedRules(t, "Repairs"))
}

// requireShown checks that the rules are those of the cases, and that each is reported by one of its own.
func requireShown(t *testing.T, rules []string, cases map[string][]ruleCase) {
	t.Helper()
	assert.Equal(t, rules, slices.Sorted(maps.Keys(cases)))
	for rule, cases := range cases {
		shown := slices.ContainsFunc(cases, func(c ruleCase) bool {
			return slices.ContainsFunc(c.Entries, func(entry string) bool { return strings.HasPrefix(entry, rule+" ") })
		})
		assert.True(t, shown, "no case of %s reports it", rule)
	}
}

// documentedRules lists the first column of the table below a heading of README.md, sorted.
func documentedRules(t *testing.T, heading string) []string {
	t.Helper()
	section := readmetest.Section(t, "## "+heading)
	var rules []string
	for line := range strings.Lines(section) {
		if rest, row := strings.CutPrefix(line, "| `"); row {
			rule, _, _ := strings.Cut(rest, "`")
			rules = append(rules, rule)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// Scenario: inputs of four cases drawn at random are merged into one configuration, 300 times.
// Guarantee: the repairs do not disturb each other: none fails, and a second pass changes nothing.
func TestRepairsTogether(t *testing.T) {
	var inputs []string
	for _, cases := range ruleCases(t, "repairs") {
		for _, c := range cases {
			inputs = append(inputs, c.Input)
		}
	}
	slices.Sort(inputs)
	random := rand.New(rand.NewPCG(1, 2)) // the same draws in each run
	for range 300 {
		documents := []string{baseConfiguration(t)}
		for range 4 {
			documents = append(documents, inputs[random.IntN(len(inputs))])
		}
		conf := resolve(t, documents...)
		passThrough(t, conf, nil, repair)
		once := xconfmap.ToStringMapRaw(conf)
		passThrough(t, conf, nil, repair)
		require.Equal(t, once, xconfmap.ToStringMapRaw(conf), strings.Join(documents, "---\n"))
	}
}

// Scenario: a configuration has pipelines of profiles only.
// Guarantee: they stay, for the collector to say that it needs a feature gate: nothing at all would run without them.
func TestProfilesAloneStay(t *testing.T) {
	conf := resolve(t, "receivers: {otlp: }\nexporters: {nop: }\n"+
		"service: {pipelines: {profiles: {receivers: [otlp], exporters: [nop]}}}")
	before := xconfmap.ToStringMapRaw(conf)
	assert.Empty(t, passThrough(t, conf, nil, repair))
	assert.Equal(t, before, xconfmap.ToStringMapRaw(conf))
}
