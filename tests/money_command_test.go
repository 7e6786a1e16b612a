package tests

import (
	"encoding/json"
	"math/big"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// pricedRequest is one request to be priced: the arguments of `tokenledger price`, and how many of the same there are.
type pricedRequest struct {
	times     int64
	arguments string
}

// usual are the tokens of most vectors.
const usual = " --input 1000 --cache-read 100000 --output 2000"

// priceVectors have results that were worked out with exact decimals from vendors' price pages, each with what a usual
// mistake would make of it.
var priceVectors = []struct {
	name     string
	requests []pricedRequest
	usd      string
	mistake  string
}{
	{"prices of its own, not those of its beginning", []pricedRequest{{1, "claude-opus-5-5 --cache-write-5m 10000" + usual}}, "0.114", "0.1675"},
	{"caches written for an hour", []pricedRequest{{1, "claude-opus-5-5 --cache-write-1h 10000" + usual}}, "0.144", "0.114"},
	{"a step at 100,000", []pricedRequest{{1, "claude-haiku-5-5 --cache-write-5m 10000" + usual}}, "0.01675", "0.00335"},
	{"a step at 200,000, for all tokens", []pricedRequest{{1, "claude-sonnet-4-5 --input 150000 --cache-read 60000 --output 1000"}}, "0.9585", "0.483"},
	{"input that includes caches", []pricedRequest{{1, "gpt-5.4 --inclusive --input 300000 --cache-read 250000 --output 5000"}}, "0.4875", "1.7375"},
	{"thoughts", []pricedRequest{{1, "gemini-2.5-pro --inclusive --input 100000 --cache-read 80000 --output 500 --reasoning 1500"}}, "0.055", "0.040"},
	{"fast mode and residency", []pricedRequest{{1, "claude-opus-4-8 --fast --residency-us --at 2026-10-01 --cache-write-5m 10000" + usual}}, "0.3685", "0.335"},
	{"a region of Bedrock", []pricedRequest{{1, "us.anthropic.claude-sonnet-4-6 --cache-write-5m 10000" + usual}}, "0.11055", "0.1005"},
	// 10,155,262 tokens of which 9,452,211 were read and 702,443 written, in 40 requests that are below the step each.
	{"cache writes of OpenAI", []pricedRequest{
		{39, "gpt-5.6-sol --at 2026-08-01 --inclusive --input 253881 --cache-read 236305 --cache-write-5m 17561"},
		{1, "gpt-5.6-sol --at 2026-08-01 --inclusive --input 253903 --cache-read 236316 --cache-write-5m 17564"},
	}, "9.11941425", "8.2413605"},
	{"searches are not faster", []pricedRequest{
		{1, "claude-opus-5-5 --fast --input 1000 --web-searches 3"}, {-1, "claude-opus-5-5 --fast --input 1000"},
	}, "0.03", "0.06"},
	{"a rise that was cancelled", []pricedRequest{{1, "claude-sonnet-5 --input 1000000 --at 2026-10-01"}}, "2", "3"},
	{"the day before a price falls", []pricedRequest{{1, "claude-sonnet-5-5 --cache-read 1000000 --at 2026-10-06"}}, "0.2", "0.1"},
	{"the day on which it falls", []pricedRequest{{1, "claude-sonnet-5-5 --cache-read 1000000 --at 2026-10-07"}}, "0.1", "0.2"},
}

// pricedAnswer is the JSON of `tokenledger price`.
type pricedAnswer struct {
	Known    bool
	USD      string
	Table    string
	Remedy   string
	Estimate string
	Row      struct{ Model, Source string }
}

// price runs `tokenledger price --json`.
func price(t *testing.T, arguments ...string) (answer pricedAnswer, code int) {
	t.Helper()
	output, code := harness.Run(t, harness.Patience, harness.CommandBinary(harness.MustRoot(t)), append([]string{"price", "--json"}, arguments...)...)
	require.NoError(t, json.Unmarshal([]byte(output), &answer), output)
	return answer, code
}

// Scenario: requests of all vendors, with caches, steps, modes, regions and dates.
// Guarantee: the command answers with the exact cost, to the last digit, names row, source and table, and that this is no
// bill; the answer for people has the same amount.
func TestPriceVectors(t *testing.T) {
	t.Parallel()
	for _, vector := range priceVectors {
		t.Run(vector.name, func(t *testing.T) {
			t.Parallel()
			total := new(big.Rat)
			for _, request := range vector.requests {
				answer, code := price(t, strings.Fields("--model "+request.arguments)...)
				require.Zero(t, code)
				require.True(t, answer.Known)
				require.NotEmpty(t, answer.Row.Source)
				require.NotEmpty(t, answer.Table)
				require.Contains(t, answer.Estimate, "not a bill")
				total.Add(total, new(big.Rat).Mul(big.NewRat(request.times, 1), exactly(t, answer.USD)))

				text, code := harness.Run(t, harness.Patience, harness.CommandBinary(harness.MustRoot(t)),
					append([]string{"price", "--model"}, strings.Fields(request.arguments)...)...)
				require.Zero(t, code, text)
				assert.Regexp(t, `(?m)^total +`+strings.ReplaceAll(answer.USD, ".", `\.`)+`$`, text)
				assert.Contains(t, text, "not a bill")
				assert.Contains(t, text, answer.Row.Source)
			}
			assert.Zero(t, total.Cmp(exactly(t, vector.usd)), "%s USD, should be %s", total.FloatString(12), vector.usd)
			assert.NotZero(t, total.Cmp(exactly(t, vector.mistake)), "the usual mistake")
		})
	}
}

func exactly(t *testing.T, decimal string) *big.Rat {
	t.Helper()
	out, fine := new(big.Rat).SetString(decimal)
	require.True(t, fine, decimal)
	return out
}

// Scenario: a model that nobody knows, one that only begins like a known one, a price file that names the model, a price
// file that is broken, and no model at all.
// Guarantee: no price is guessed; the exit code says so, and the message what to do. A price file then answers.
func TestPriceOfUnknownModels(t *testing.T) {
	t.Parallel()
	program := harness.CommandBinary(harness.MustRoot(t))
	for _, model := range []string{"nobody-knows-1", "claude-opus-5-6", "claude-opus", ""} {
		answer, code := price(t, "--model", model, "--input", "1")
		assert.Equal(t, 1, code, model)
		assert.False(t, answer.Known, model)
		assert.Empty(t, answer.USD, model)
	}
	text, code := harness.Run(t, harness.Patience, program, "price", "--model", "nobody-knows-1", "--input", "1")
	assert.Equal(t, 1, code, text)
	for _, words := range []string{"nobody-knows-1", "none is guessed", "aliases", "[[price]]", "tokenledger price --list"} {
		assert.Contains(t, text, words)
	}

	file := filepath.Join(t.TempDir(), "prices.toml")
	replaceAtOnce(t, file, contract+"\n[aliases.more]\n")
	text, code = harness.Run(t, harness.Patience, program, "price", "--model", "claude-opus-5-5", "--prices", file)
	assert.Equal(t, 3, code, text)
	assert.Contains(t, text, file)
	replaceAtOnce(t, file, contract)
	for model, usd := range map[string]string{profile: "25", "claude-haiku-4-5": "3.75", "claude-sonnet-4-5": "2"} {
		answer, code := price(t, "--model", model, "--output", "1000000", "--prices", file)
		require.Zero(t, code, model)
		assert.Zero(t, exactly(t, answer.USD).Cmp(exactly(t, usd)), "%s costs %s", model, answer.USD)
	}
	text, code = harness.Run(t, harness.Patience, program, "price", "--input", "1")
	assert.Equal(t, 2, code, text)
}
