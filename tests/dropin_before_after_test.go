package tests

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// writeDocs makes TestDropInShapes write docs/before-after.md instead of comparing with it:
//
//	go test -C tests -count=1 -run TestDropInShapes . -args -write
var writeDocs = flag.Bool("write", false, "write docs/before-after.md from what is measured")

// comparison is what one stack shows for one question.
type comparison struct {
	question             string
	truth, before, after string
}

// compared are the questions of docs/before-after.md. They are those whose answer by the stock parts does not depend on
// when Prometheus looks.
var compared = []struct {
	name       string
	expression string
	truth      func(seeds.Truth) float64
	decimals   int
}{
	{"tokens", `sum({tokens})`, func(t seeds.Truth) float64 { return t.Sum(seeds.Tokens) }, 0},
	{"US dollars", `sum({cost})`, func(t seeds.Truth) float64 { return t.Sum(seeds.Cost) }, 6},
	{"lines of code", `sum({lines})`, func(t seeds.Truth) float64 { return t.Sum(seeds.Lines) }, 0},
	{"edits accepted", `sum({decisions}{decision="accept"})`, func(t seeds.Truth) float64 {
		return t.Sum(seeds.Decisions, "decision", "accept")
	}, 0},
	{"sessions in the hour, by `increase`", `sum(increase({sessions}[1h]))`, func(t seeds.Truth) float64 {
		return t.Sum(seeds.Sessions)
	}, 0},
	{"commits in the hour, by `increase`", `sum(increase({commits}[1h]))`, func(t seeds.Truth) float64 {
		return t.Sum(seeds.Commits)
	}, 0},
}

// compareStacks asks the questions of a stack with stock parts and of the same stack with the product, whose samples are
// given.
func compareStacks(t *testing.T, truth seeds.Truth, before, after *stack, stored []harness.TimeSeries) []comparison {
	t.Helper()
	old := before.settled(t, truth)
	var out []comparison
	for _, row := range compared {
		write := func(value float64, found bool) string {
			if !found {
				return "nothing"
			}
			return grouped(strconv.FormatFloat(value, 'f', row.decimals, 64))
		}
		ask := seeds.Shape{Expression: row.expression}.Ask(after.seed.Own())
		out = append(out, comparison{
			row.name, write(row.truth(truth), true), write(before.answer(t, ask, old)), write(after.answer(t, ask, stored)),
		})
	}
	return out
}

// settled are the samples of a stack with stock parts once they do not change any more: with those that push, which show
// the truth, when it is there; else when each series was scraped twice. The stack with times of its own shows nothing at
// all; its batches are short, and the product beside it has waited for several scrapes.
func (s *stack) settled(t *testing.T, truth seeds.Truth) []harness.TimeSeries {
	t.Helper()
	switch {
	case s.seed.Pushed:
		return s.waitForTruth(t, truth)
	case s.seed.Timestamped:
		stored, err := s.stored()
		require.NoError(t, err)
		return stored
	default:
		return waitForSamples(t, s, 2)
	}
}

// increaseOf finds the metric whose increases are added up.
var increaseOf = regexp.MustCompile(`^sum\(increase\((\w+)\[1h\]\)\)$`)

// answer asks a question whose answer is one number. Increases are asked of each series at the time of its newest sample,
// beyond which Prometheus extrapolates, and added up.
func (s *stack) answer(t *testing.T, question string, stored []harness.TimeSeries) (sum float64, found bool) {
	t.Helper()
	match := increaseOf.FindStringSubmatch(question)
	if match == nil {
		series, err := s.prometheus.Query(question, harness.Now())
		require.NoError(t, err)
		if len(series) == 0 {
			return 0, false
		}
		return series[0].Last().Value, true
	}
	for _, series := range stored {
		if series.Labels["__name__"] != match[1] {
			continue
		}
		result, err := s.prometheus.Query("increase("+series.Selector()+"[1h])", series.Last().Time)
		require.NoError(t, err)
		for _, one := range result {
			sum, found = sum+one.Last().Value, true
		}
	}
	return sum, found
}

// grouped separates thousands.
func grouped(number string) string {
	whole, decimals, found := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		return whole + "." + decimals
	}
	return whole
}

// startBefore starts a stack with a collector of stock parts.
func startBefore(t *testing.T, seed seeds.Seed) *stack {
	t.Helper()
	mended, refused := stockConfig(t, seed.Collector)
	if refused {
		requireStockRefuses(t, seed)
	}
	seed.Collector = mended
	return startStack(t, seed, harness.StockBinary(t), nil)
}

// stockConfig is a configuration that the stock parts start with: the exporter loki, which no stock image has any more,
// makes them refuse it, so its place is taken by debug. It says whether that was needed.
func stockConfig(t *testing.T, file string) (path string, changed bool) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var config map[string]any
	require.NoError(t, yaml.Unmarshal(content, &config))
	exporters := config["exporters"].(map[string]any)
	if _, found := exporters["loki"]; !found {
		return file, false
	}
	delete(exporters, "loki")
	exporters["debug"] = nil
	pipelines := config["service"].(map[string]any)["pipelines"].(map[string]any)
	pipelines["logs"].(map[string]any)["exporters"] = []any{"debug"}
	changedContent, err := yaml.Marshal(config)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "without-loki.yaml")
	require.NoError(t, os.WriteFile(path, changedContent, 0o600))
	return path, true
}

// requireStockRefuses checks what the owner of a stack with the exporter loki meets today.
func requireStockRefuses(t *testing.T, seed seeds.Seed) {
	t.Helper()
	refused := harness.StartBox(t, stackHosts...).Launch(t, harness.BoxedSetup{
		Binary: harness.StockBinary(t), Arguments: []string{"--config", seed.Collector},
	})
	assert.NotZero(t, refused.Wait(t, harness.Patience))
	assert.Contains(t, refused.Log(), "loki")
}

// requireDocs compares what was measured with docs/before-after.md, or writes it.
func requireDocs(t *testing.T, measured map[string][]comparison) {
	t.Helper()
	path := filepath.Join(harness.MustRoot(t), "docs", "before-after.md")
	text := beforeAfter(measured)
	if *writeDocs {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644)) // #nosec G306 -- a page of the documentation
		return
	}
	committed, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(committed), text, "docs/before-after.md is not what was measured; the command above writeDocs writes it")
}

// beforeAfter is the page docs/before-after.md.
func beforeAfter(measured map[string][]comparison) string {
	var out strings.Builder
	out.WriteString(beforeAfterHead)
	for _, seed := range seeds.Basis() {
		fmt.Fprintf(&out, "\n## %s: %s\n\n%s\n\n%s", seed.Name, seed.Title, seed.Fate, table(measured[seed.Name]))
	}
	return out.String()
}

func table(rows []comparison) string {
	var out strings.Builder
	out.WriteString("| question | truth | stock parts | Tokenledger |\n|---|---:|---:|---:|\n")
	for _, row := range rows {
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", row.question, row.truth, row.before, row.after)
	}
	return out.String()
}

// requireTable checks that docs/before-after.md has the same table for the stack's shape as its own files give.
func requireTable(t *testing.T, seed seeds.Seed, rows []comparison) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(harness.MustRoot(t), "docs", "before-after.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## "+seed.Name[:2]+": ")
	require.True(t, found, "no section for %s", seed.Name)
	section, _, _ = strings.Cut(section, "\n## ")
	assert.Contains(t, section+"\n", table(rows), "%s from its own files", seed.Name)
}

const beforeAfterHead = `# The same stacks before and after

Written by ` + "`go test -C tests -count=1 -run TestDropInShapes . -args -write`" + `, which measures it; without ` + "`-write`" + ` the same test
fails if this page is not what it measures.

Four recorded sessions of real clients (two of 2.1.197, two of 2.1.329; ` + "`tests/data/captures`" + `), each followed by one request
with commits and a rejected edit, go into five kinds of stacks that are known from the field
(` + "`tests/seeds/shapes`" + `). A real Prometheus scrapes each or is written to, by a configuration like the stack's own.
` + "`increase`" + ` is asked of each series at the time of its newest sample, beyond which Prometheus extrapolates.
Before: a collector of stock parts only (core and contrib v0.158.0, ` + "`tests/reference`" + `). After: otelcol-tokenledger
with the same file. The truth is the sum of what the clients sent. "nothing" means that Prometheus has no such series.
Where the stacks' own files are at hand, TestDropInOwnFiles checks that they give these tables, too.
`
