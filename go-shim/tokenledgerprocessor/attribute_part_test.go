// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.uber.org/zap"
)

// limits are the values of the budgets that were sent last.
func limits(sink *consumertest.MetricsSink) (out []float64) {
	all := sink.AllMetrics()
	if len(all) == 0 {
		return nil
	}
	for _, dp := range all[len(all)-1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().All() {
		out = append(out, dp.DoubleValue())
	}
	return out
}

// Scenario: a metrics pipeline and one of logs start, the file changes, they stop and start again.
// Guarantee: the metrics pipeline sends the budgets at the start and at each change, the other one none; nothing keeps
// running.
func TestParts(t *testing.T) {
	cfg := fileConfig(t, budgetFile)
	cfg.BudgetInterval = time.Hour
	a := newAttributor(cfg, zap.NewNop())
	for range 2 {
		replaceFile(t, cfg.File, budgetFile)
		sink, r := &consumertest.MetricsSink{}, &reports{}
		logs, metrics := newAttributionPart(a), newBudgetingPart(a, sink, zap.NewNop())
		assert.True(t, logs.isOn())
		require.NoError(t, logs.start(r.report))
		require.NoError(t, metrics.start(r.report))
		eventually := func(want ...float64) {
			t.Helper()
			require.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, limits(sink)) }, 10*time.Second, time.Millisecond)
		}
		eventually(200, 2000, 99.5)
		replaceFile(t, cfg.File, "email,team,budget_usd\nann@example.com,payments,7\n")
		eventually(7)
		require.NoError(t, metrics.stop(t.Context()))
		require.NoError(t, logs.stop(t.Context()))
		require.NoError(t, logs.stop(t.Context()))
	}
}

// Scenario: attribution is off; the file is missing.
// Guarantee: nothing happens; the start fails, and stopping is fine.
func TestPartsThatDoNotStart(t *testing.T) {
	off := newBudgetingPart(nil, consumertest.NewNop(), zap.NewNop())
	assert.False(t, off.isOn())
	require.NoError(t, off.stop(t.Context()))
	require.NoError(t, off.start(nil))
	require.NoError(t, off.stop(t.Context()))

	cfg := fileConfig(t, budgetFile)
	require.NoError(t, os.Remove(cfg.File))
	missing := newBudgetingPart(newAttributor(cfg, zap.NewNop()), consumertest.NewNop(), zap.NewNop())
	require.ErrorContains(t, missing.start((&reports{}).report), "cannot use the attribution file "+cfg.File)
	require.NoError(t, missing.stop(t.Context()))
}
