// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerconnector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
)

// Scenario: two requests of equal size end in the same millisecond and come in two batches; the connector is restarted,
// without memory of them, and the second batch is sent once more. Behind it stands the processor that makes totals.
// Guarantee: the total has both requests (D3b does not take one for the other), and the third batch adds nothing (D3a).
func TestTotalsBehindTheConnector(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	factory := tokenledgerprocessor.NewFactory()
	totals, err := factory.CreateMetrics(t.Context(), processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), sink)
	require.NoError(t, err)
	require.NoError(t, totals.Start(t.Context(), componenttest.NewNopHost()))
	ended := pcommon.NewTimestampFromTime(time.Now().Add(-10 * time.Second).Truncate(time.Millisecond))
	request := func(id string) plog.Logs {
		ld := apiRequest("s", id, nil)
		ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(ended)
		return ld
	}
	before, after := started(t, totals, nil), started(t, totals, nil)
	require.NoError(t, before.ConsumeLogs(t.Context(), request("r1")))
	require.NoError(t, before.ConsumeLogs(t.Context(), request("r2")))
	require.NoError(t, after.ConsumeLogs(t.Context(), request("r2")))
	require.NoError(t, totals.Shutdown(t.Context()))

	assert.InDelta(t, 2, lastTotal(sink.AllMetrics(), "token_ledger.requests"), 0)
	assert.InDelta(t, 40, lastTotal(sink.AllMetrics(), "token_ledger.tokens", "output"), 0)
	assert.InDelta(t, 0.0018, lastTotal(sink.AllMetrics(), "token_ledger.cost.reported"), 1e-12)
}

// lastTotal is the last value of a metric that left, of the given type of tokens.
func lastTotal(all []pmetric.Metrics, name string, types ...string) float64 {
	last := -1.0
	forEachPoint(all, func(metric string, dp pmetric.NumberDataPoint) {
		kind, _ := dp.Attributes().Get(attributeType)
		if metric != name || len(types) > 0 && kind.AsString() != types[0] {
			return
		}
		last = dp.DoubleValue()
		if dp.ValueType() == pmetric.NumberDataPointValueTypeInt {
			last = float64(dp.IntValue())
		}
	})
	return last
}
