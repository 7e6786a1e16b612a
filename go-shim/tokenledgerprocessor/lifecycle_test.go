// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package tokenledgerprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Scenario: two pipelines of one collector use the processor and get the same requests.
// Guarantee: each has an engine of its own, so that neither takes the other's copy for a retransmission.
func TestEachPipelineCounts(t *testing.T) {
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig()
	for range 2 {
		next := new(consumertest.MetricsSink)
		p, err := factory.CreateMetrics(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, next)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeMetrics(t.Context(), window(10*time.Second, 20*time.Second, "input", 5)))
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, int64(5), lastValue(next.AllMetrics()))
	}
}

// lastValue is the value of the last point that left.
func lastValue(delivered []pmetric.Metrics) int64 {
	points := delivered[len(delivered)-1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
	return points.At(points.Len() - 1).IntValue()
}
