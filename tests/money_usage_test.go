package tests

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// costSheet is what `tokenledger ledger export` says of costs.
type costSheet struct {
	PriceTable string `json:"price_table"`
	CostBasis  string `json:"cost_basis"`
	Rows       []struct {
		By       map[string]string
		Reported string  `json:"reported_cost_usd"`
		Computed *string `json:"computed_cost_usd"`
	}
	Totals struct {
		Reported string `json:"reported_cost_usd"`
		Computed string `json:"computed_cost_usd"`
	}
}

func dollars(t *testing.T, text string) float64 {
	t.Helper()
	out, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return out
}

// Scenario: all captures come in, twice, with a price file; the collector is killed in between; the price file changes, and
// a model comes that has no price; then the ledger is exported.
// Guarantee: the computed cost of the sheet is the sum of token_ledger.cost, in total and by model; the reported one is
// beside it; the sheet names both price tables, says that this is no bill, and has no cost for the unknown model.
func TestExportHasComputedCosts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "prices.toml")
	replaceAtOnce(t, file, contract)
	collector := harness.StartCollector(t, harness.Setup{Config: priceFile(file)})
	send := func(of func(capture.Capture) []capture.Request) {
		for i, c := range loadAll(t) {
			require.NoError(t, collector.Client(t, harness.Transports[i%len(harness.Transports)]).SendAll(t.Context(), of(c)))
		}
	}
	send(func(c capture.Capture) []capture.Request { return c.Of(capture.Metrics)[:5] })
	collector.Kill(t)
	collector = collector.Restart(t)
	send(func(c capture.Capture) []capture.Request { return c.Twice().Of(capture.Metrics) })
	collector.Settle(t)

	replaceAtOnce(t, file, strings.NewReplacer("contract-1", "contract-2", "output = 2", "output = 7").Replace(contract))
	logged(t, collector, "price_table", "contract-2")
	client := collector.Client(t, harness.GRPC)
	require.NoError(t, client.SendMetrics(t.Context(), outputTokensOf("claude-sonnet-4-5", "later", 1_000_000)))
	require.NoError(t, client.SendMetrics(t.Context(), outputTokensOf("nobody-knows-1", "unknown", 1_000_000)))
	collector.Settle(t)
	page := collector.Page(t)
	require.Zero(t, collector.Stop(t, gracePeriod))

	output, code := harness.Run(t, harness.Patience, harness.CommandBinary(harness.MustRoot(t)),
		"ledger", "export", collector.Setup.State, "--format", "json", "--by", "model")
	require.Zero(t, code, output)
	var sheet costSheet
	require.NoError(t, json.Unmarshal([]byte(output), &sheet), output)
	require.Greater(t, page.Sum("token_ledger_cost_USD_total"), 7.0)
	assert.InDelta(t, page.Sum("token_ledger_cost_USD_total"), dollars(t, sheet.Totals.Computed), costTolerance)
	assert.InDelta(t, page.Sum("claude_code_cost_usage"), dollars(t, sheet.Totals.Reported), costTolerance)
	assert.Len(t, sheet.Rows, 4, "two recorded models, one short name, one unknown: %s", output)
	for _, row := range sheet.Rows {
		if row.By["model"] == "nobody-knows-1" {
			assert.Nil(t, row.Computed, "no price, so no cost and no 0 either")
			continue
		}
		require.NotNil(t, row.Computed, row.By)
		assert.InDelta(t, page.Sum("token_ledger_cost_USD_total", "model", row.By["model"]), dollars(t, *row.Computed), costTolerance, row.By)
	}
	assert.Contains(t, sheet.PriceTable, "contract-1")
	assert.Contains(t, sheet.PriceTable, "contract-2")
	assert.Contains(t, sheet.CostBasis, "not a bill")
}
