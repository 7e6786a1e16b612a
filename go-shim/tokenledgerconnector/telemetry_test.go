// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadatatest"
)

// Scenario: requests are counted, come again, belong to another signal, and exceed what can be remembered.
// Guarantee: the connector's own metrics say how many of each.
func TestTelemetry(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.WithoutCancel(t.Context()))) })
	set := metadatatest.NewSettings(tt)
	cfg := createDefaultConfig().(*Config)
	cfg.Deduplication.MaxRequests = 2
	c, err := newConnector(set, cfg, consumertest.NewNop(), testPrices)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	for _, id := range []string{"1", "1", "2", "3"} {
		require.NoError(t, c.ConsumeLogs(t.Context(), apiRequest("s", id, nil)))
	}
	require.NoError(t, c.ConsumeTraces(t.Context(), readTraces(t, "testdata/golden/claude-code-spans/input-1.traces.json")))

	id := attribute.String("connector", set.ID.String())
	outcome := func(name string, value int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(id, attribute.String("outcome", name)), Value: value}
	}
	own := func(value int64) []metricdata.DataPoint[int64] {
		return []metricdata.DataPoint[int64]{{Attributes: attribute.NewSet(id), Value: value}}
	}
	ignore := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualConnectorTokenLedgerRequests(t, tt, []metricdata.DataPoint[int64]{outcome("counted", 3), outcome("duplicate", 1), outcome("other_signal", 1)}, ignore)
	metadatatest.AssertEqualConnectorTokenLedgerRememberedRequests(t, tt, own(2), ignore)
	metadatatest.AssertEqualConnectorTokenLedgerRememberedRequestsLimit(t, tt, own(2), ignore)
	metadatatest.AssertEqualConnectorTokenLedgerEvictedRequests(t, tt, own(1), ignore)
	require.NoError(t, c.Shutdown(t.Context()))
}
