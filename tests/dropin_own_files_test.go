package tests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// TestDropInOwnFiles runs the known stacks from their owners' files, which are read where they are: the configuration of
// the collector and that of Prometheus unchanged, and the questions out of their dashboards and texts. One stack is
// there in two states, whose dashboards ask Prometheus in the one and VictoriaLogs in the other.
//
// Scenario: only the collector is replaced; and then also TOKEN_LEDGER_NAMES switches on the names that the texts ask for.
// Stock parts run in the same stack beside the former.
// Guarantee: each question has the answer that it would have from the true totals, and those without an answer are known
// ones, which ask for names and values that no client ever sent; labels stay as they were, and docs/before-after.md says of
// the shapes what is so of the files themselves.
func TestDropInOwnFiles(t *testing.T) {
	t.Parallel()
	root := harness.MustRoot(t)
	folder, err := seeds.Folder(root)
	require.NoError(t, err)
	if folder == "" {
		t.Skipf("the stacks' own files are not here (they have no licence to be in the repository); set %s to their folder. "+
			"TestDropInShapes and TestDropInFamilies run the same shapes", seeds.Variable)
	}
	for _, seed := range seeds.Own(t, root, folder) {
		t.Run(seed.Name, func(t *testing.T) {
			t.Parallel()
			plain := seed
			plain.Families = nil
			runOwnFiles(t, plain, environmentFor(seed), startBefore(t, seed))
		})
		t.Run(seed.Name+" with "+seed.Names, func(t *testing.T) {
			t.Parallel()
			s, answered := runOwnFiles(t, seed, environmentFor(seed, "TOKEN_LEDGER_NAMES="+seed.Names), nil)
			s.requireAnswers(t, answered)
		})
	}
}

// runOwnFiles runs a stack and compares all answers with those from the truth, and with what stock parts show in the same
// stack if there is one with them. It returns the questions to Prometheus that had an answer.
func runOwnFiles(t *testing.T, seed seeds.Seed, environment map[string]string, before *stack) (*stack, []seeds.Query) {
	t.Helper()
	traffic := seeds.Traffic(t, harness.MustRoot(t), t.Name())
	truth := seeds.TruthOf(t, traffic)
	s := startStack(t, seed, product(t), environment)
	if before != nil {
		before.send(t, traffic)
	}
	s.send(t, traffic)
	stored := s.waitForTruth(t, truth, seed.Families...)
	requireZeros(t, stored)
	answered := s.compareWithIdeal(t, truth, append(seed.Families, seed.Own()), stored, seed.PromQL(t))
	if questions := seed.LogsQL(t); len(questions) > 0 {
		s.requireLogAnswers(t, traffic, questions)
	}
	if seed.Pushed {
		s.requireLines(t, traffic)
	}
	if before != nil {
		requireTable(t, seed, compareStacks(t, truth, before, s, stored))
		requireSameLabels(t, before, stored)
	}
	return s, answered
}

// fewest is how many questions to Prometheus a stack's own files have at least, so that a change in reading them is
// noticed, and how many of them have an answer.
var fewest = map[string]struct{ questions, answered int }{
	"S0": {13, 13}, "S1": {22, 22}, "S2": {0, 0}, "S2 at its earlier state": {10, 10}, "S3": {70, 60}, "S4": {0, 0},
}

// unanswerable are parts of questions that have no answer with true totals either.
var unanswerable = []string{
	"cache_read", "pr_count_total", `environment="production"`, // values and names that no client of this test has
	"offset", "> 50", "> 100", "== 0", // nothing yet at that time, or a threshold that is not reached
	"[24h]) / increase(", "(model) (increase(claude_code_claude_code_token_usage_tokens_total[24h])) / sum(", // no two series match
}

// requireAnswers checks that the questions of the stack's dashboards and texts have answers.
func (s *stack) requireAnswers(t *testing.T, answered []seeds.Query) {
	t.Helper()
	questions := s.seed.PromQL(t)
	t.Logf("%s: %d of %d questions to Prometheus have an answer", s.seed.Name, len(answered), len(questions))
	want := fewest[s.seed.Name]
	assert.GreaterOrEqual(t, len(questions), want.questions, "questions found in the files")
	assert.GreaterOrEqual(t, len(answered), want.answered, "questions with an answer")
	known := map[string]bool{}
	for _, question := range answered {
		known[question.Expression] = true
	}
	for _, question := range questions {
		if !known[question.Expression] {
			assert.True(t, containsAny(question.Expression, unanswerable), "no answer: %s: %s", question.Source, question.Expression)
		}
	}
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
