package tests

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// TestDropInModes runs one stack's configuration under each value of TOKEN_LEDGER_AUTO, and with stock parts.
//
// Scenario: the same requests go to all. Guarantee: off shows just what the stock parts show; correct, which is the
// default, shows the truth under names that were there, and the one metric that the stock parts lose; full shows computed
// costs, right ones, beside them.
func TestDropInModes(t *testing.T) {
	t.Parallel()
	sent := load(t, "2.1.329", capture.Protobuf, "modes")
	stock := pageUnder(t, sent, harness.StockBinary(t), false)
	off := pageUnder(t, sent, product(t), false, "TOKEN_LEDGER_AUTO=off")
	assert.Equal(t, clientSeries(stock), clientSeries(off), "off")

	lost := seeds.Decisions.In(seeds.Canonical)
	for _, setting := range []string{"TOKEN_LEDGER_AUTO=correct", "TOKEN_LEDGER_AUTO="} {
		correct := pageUnder(t, sent, product(t), true, setting)
		requireStackTruth(t, correct, seeds.Canonical, sent)
		names := namesOf(stock)
		names[lost] = true
		assert.Equal(t, names, namesOf(correct), setting)
	}

	full := pageUnder(t, sent, product(t), true, "TOKEN_LEDGER_AUTO=full")
	requireStackTruth(t, full, seeds.Canonical, sent)
	for _, session := range sent.Sessions {
		for kind, cost := range costsOf(t, session) {
			if kind == "cache_creation" {
				continue // depends on how long caches are kept, which is a setting
			}
			got := full.Sum("token_ledger_cost_USD_total", "session_id", session.ID, "type", kind)
			assert.InDelta(t, cost, got, costTolerance, "%s of %s", kind, session.Model)
		}
	}
}

// pageUnder runs the shape of the stack S4, sends a capture, and reads the page once everything is on it.
func pageUnder(t *testing.T, sent capture.Capture, binary string, settles bool, environment ...string) harness.Page {
	t.Helper()
	seed := seeds.Shapes(harness.MustRoot(t))[4]
	collector := harness.StartBox(t, stackHosts...).StartCollector(t, harness.BoxedSetup{
		Binary: binary, Arguments: configArguments(seed.Collector), Env: atOnce(environment...),
	})
	require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), sent.Of(capture.Metrics)))
	if settles {
		collector.Settle(t)
	} else {
		harness.Eventually(t, harness.Patience, "a batch on the page", func() error {
			if len(collector.Page(t).Find(seeds.Tokens.In(seeds.Canonical))) == 0 {
				return errors.New("no tokens")
			}
			return nil
		})
	}
	return collector.Page(t)
}

// requireStackTruth compares a page, in the names of a family, with what was sent, whatever labels the stack adds.
func requireStackTruth(t *testing.T, page harness.Page, family seeds.Family, sent capture.Capture) {
	t.Helper()
	var stored []harness.TimeSeries
	for _, series := range page {
		labels := map[string]string{"__name__": series.Name}
		for name, value := range series.Labels {
			labels[name] = value
		}
		stored = append(stored, harness.TimeSeries{Labels: labels, Samples: []harness.Sample{{Value: series.Value}}})
	}
	require.NoError(t, seeds.TruthOf(t, sent).Check(family, stored))
}

// clientSeries are the client's series of a page with their values, in order.
func clientSeries(page harness.Page) []string {
	var out []string
	for _, series := range page {
		if series.Name != "target_info" {
			out = append(out, fmt.Sprint(capture.Key(series.Name, series.Labels), series.Value))
		}
	}
	return slices.Sorted(slices.Values(out))
}

// namesOf are the names on a page, but for those that Settle and the exporter add.
func namesOf(page harness.Page) map[string]bool {
	out := map[string]bool{}
	for _, series := range page {
		if series.Name != "target_info" && !isSentinel(series) {
			out[series.Name] = true
		}
	}
	return out
}

func isSentinel(series harness.Series) bool {
	_, found := series.Labels["sentinel"]
	return found
}
