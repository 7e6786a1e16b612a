package labels

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
	"github.com/tokenledger/tokenledger/tests/capture"
)

// Scenario: the pipelines of seeds S4 and S2 as the collector runs them: token_ledger, this processor, the exporter; two
// recorded sessions of a real client.
// Guarantee: the page shows the truth of every metric, decisions on edits among them; with the resource's `job`, all of it
// under that.
func TestBehindTheLedger(t *testing.T) {
	for name, c := range map[string]struct {
		settings settings
		change   func(pmetric.ResourceMetrics)
		label    string
	}{
		"const label": {
			settings: settings{constLabels: map[string]string{"source": "otel-collector"}},
			change:   func(pmetric.ResourceMetrics) {},
			label:    `job="claude-code"`,
		},
		"job": {
			settings: settings{resource: true, timestamps: true},
			change:   func(rm pmetric.ResourceMetrics) { rm.Resource().Attributes().PutStr("job", "claude") },
			label:    `job="claude"`,
		},
	} {
		for _, version := range capture.Versions {
			t.Run(name+" "+version, func(t *testing.T) {
				recorded := capture.Load(t, "../..", version, capture.JSON)
				truth := map[string]float64{}
				for series, value := range recorded.Totals(t) {
					metric, _, _ := strings.Cut(series, "{")
					truth[metric] += value
				}
				lines := behindTheLedger(t, c.settings, c.change, version)
				shown := map[string]float64{}
				for _, line := range lines {
					assert.Contains(t, line, c.label)
					series, rest, _ := strings.Cut(line, "} ")
					number, _, _ := strings.Cut(rest, " ") // a time may follow
					value, err := strconv.ParseFloat(number, 64)
					require.NoError(t, err, line)
					for metric := range truth {
						if strings.HasPrefix(series, metric) {
							shown[metric] += value
						}
					}
				}
				assert.Contains(t, truth, "claude_code_code_edit_tool_decision")
				assert.InDeltaMapValues(t, truth, shown, 1e-9)
			})
		}
	}
}

// behindTheLedger sends a recording through both processors and returns the lines of the page.
func behindTheLedger(t *testing.T, s settings, change func(pmetric.ResourceMetrics), version string) []string {
	t.Helper()
	page := ourPage(t, s)
	factory := tokenledgerprocessor.NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"identity": "prometheus",
		"prometheus": map[string]any{
			"promote_all_resource_attributes": s.resource, "promote_scope_metadata": !s.withoutScopeInfo,
		},
	}).Unmarshal(cfg))
	ledger, err := factory.CreateMetrics(t.Context(), processortest.NewNopSettings(factory.Type()), cfg, page)
	require.NoError(t, err)
	require.NoError(t, ledger.Start(t.Context(), componenttest.NewNopHost()))
	for _, md := range captured(t, version) {
		for _, rm := range md.ResourceMetrics().All() {
			change(rm)
		}
		require.NoError(t, ledger.ConsumeMetrics(t.Context(), md))
	}
	require.NoError(t, ledger.Shutdown(context.Background()))
	require.Empty(t, page.lost())
	return page.series(t)
}
