package tests

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// profile is a name that says nothing about the model behind it.
const profile = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123def456"

// contract is a price file: a price of one's own, a name for one that says nothing, a discount.
const contract = `version = "contract-1"
[[price]]
provider = "anthropic"
model = "claude-sonnet-4-5"
input = 1
output = 2
source = "contract"
[aliases]
"` + profile + `" = "global.anthropic.claude-opus-4-8"
[[discount]]
provider = "anthropic"
model = "claude-haiku-*"
percent = 25
`

// priceFile is a configuration that looks at a price file each second.
func priceFile(file string) string {
	return fmt.Sprintf("processors: {token_ledger: {pricing: {source: metrics, file: %q, reload_interval: 1s}}}", file)
}

// costShown waits until the page shows the cost of a model, and that nothing of it fell on the way.
func costShown(t *testing.T, collector *harness.Collector, model string, want float64) {
	t.Helper()
	before := 0.0
	harness.Eventually(t, harness.Patience, "cost of "+model, func() error {
		got := collector.Page(t).Sum("token_ledger_cost_USD_total", "model", model)
		require.GreaterOrEqual(t, got, before, "the cost of %s falls", model)
		if before = got; got < want-costTolerance || got > want+costTolerance {
			return fmt.Errorf("the page shows %v, not %v", got, want)
		}
		return nil
	})
}

// logged waits for a line of the log with all of the words.
func logged(t *testing.T, collector *harness.Collector, words ...string) {
	t.Helper()
	harness.Eventually(t, harness.Patience, strings.Join(words, ", ")+" in the log", func() error {
		for line := range strings.Lines(collector.Log()) {
			found := 0
			for _, word := range words {
				if strings.Contains(line, word) {
					found++
				}
			}
			if found == len(words) {
				return nil
			}
		}
		return errors.New("no such line")
	})
}

// Scenario: a price file with a price, an alias and a discount; it changes, breaks and is repaired while
// tokens come in.
// Guarantee: tokens cost what the file said when they came, no cost falls. A file that cannot be used leaves the former
// prices in use, one line of the log names file and reason, and the component's status is a recoverable error until
// it is repaired.
func TestPriceFileChanges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "prices.toml")
	replaceAtOnce(t, file, contract)
	collector := harness.StartCollector(t, harness.Setup{Config: priceFile(file) + harness.StatusConfig, Arguments: harness.StatusArguments})
	client := collector.Client(t, harness.HTTPProtobuf)
	session := 0
	million := func(model string) {
		session++
		require.NoError(t, client.SendMetrics(t.Context(), outputTokensOf(model, fmt.Sprint("session ", session), 1_000_000)))
	}
	status := func(want, says string) {
		harness.Eventually(t, harness.Patience, "status "+want, func() error {
			got, text, err := collector.Status("metrics", "processor:token_ledger")
			if err == nil && (got != want || !strings.Contains(text, says)) {
				err = fmt.Errorf("it is %s (%s)", got, text)
			}
			return err
		})
	}
	logged(t, collector, "price_table", "contract-1")
	million("claude-sonnet-4-5")
	million(profile)
	million("claude-haiku-4-5")
	million("claude-opus-4-8")
	million("nobody-knows-1")
	costShown(t, collector, "claude-sonnet-4-5", 2)
	costShown(t, collector, profile, 25)
	costShown(t, collector, "claude-haiku-4-5", 5*0.75)
	costShown(t, collector, "claude-opus-4-8", 25)
	assert.Equal(t, 1e6, collector.Page(t).Sum("token_ledger_tokens_unpriced_total", "model", "nobody-knows-1"))
	assert.Zero(t, collector.Page(t).Sum("token_ledger_cost_USD_total", "model", "nobody-knows-1"))

	replaceAtOnce(t, file, strings.NewReplacer("contract-1", "contract-2", "output = 2", "output = 7").Replace(contract))
	logged(t, collector, "price_table", "contract-2")
	million("claude-sonnet-4-5")
	costShown(t, collector, "claude-sonnet-4-5", 2+7)

	status("StatusOK", "")
	replaceAtOnce(t, file, strings.Replace(contract, "percent = 25", "percent = 125", 1))
	logged(t, collector, "error", "cannot be used", file, "percent")
	status("StatusRecoverableError", "percent")
	million("claude-sonnet-4-5")
	costShown(t, collector, "claude-sonnet-4-5", 2+7+7)

	replaceAtOnce(t, file, strings.NewReplacer("contract-1", "contract-3", "output = 2", "output = 4").Replace(contract))
	logged(t, collector, "price_table", "contract-3")
	status("StatusOK", "")
	million("claude-sonnet-4-5")
	costShown(t, collector, "claude-sonnet-4-5", 2+7+7+4)
	costShown(t, collector, "claude-opus-4-8", 25)
}

// Scenario: the price file is missing, broken, or for something else when the collector starts, in the processor and in
// the connector.
// Guarantee: the start ends with an error that names the file and what is wrong with it.
func TestBadPriceFileAtTheStart(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.toml")
	replaceAtOnce(t, broken, "[[price]]\nmodel = \"x\"\n")
	missing := filepath.Join(t.TempDir(), "missing.toml")
	for name, of := range map[string]struct {
		setup harness.Setup
		says  []string
	}{
		"missing": {harness.Setup{Config: priceFile(missing)}, []string{missing, "does not exist"}},
		"broken":  {harness.Setup{Config: priceFile(broken)}, []string{broken, "provider"}},
		"missing for the connector": {
			harness.Setup{Base: fromEvents, Config: fmt.Sprintf("connectors: {token_ledger: {pricing: {file: %q}}}", missing)},
			[]string{missing, "does not exist"},
		},
		"without a source": {
			harness.Setup{Config: fmt.Sprintf("processors: {token_ledger: {pricing: {source: none, file: %q}}}", broken)},
			[]string{broken, "nothing is priced", `set source to`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := harness.Launch(t, of.setup)
			assert.NotZero(t, collector.Wait(t, harness.Patience), "exit code")
			for _, words := range of.says {
				assert.Contains(t, collector.Log(), words)
			}
		})
	}
}
