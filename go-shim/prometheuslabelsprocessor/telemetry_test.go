// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor/internal/metadatatest"
)

// Scenario: a request with two points for each kind of collision, and points without.
// Guarantee: each kind counts its points, once each; what collides in a resource or a scope counts for all its points.
func TestTelemetry(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(tt)
	cfg := &Config{ConstLabels: map[string]string{"source": "const"}, ResourceAttributes: true}
	p, err := NewFactory().CreateMetrics(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)

	md := twoPoints()
	resource, scope, points := parts(md)
	resource.PutStr("service.name", "claude-code")
	resource.PutStr("job", "claude")
	scope.Scope().Attributes().PutStr("schema.url", "s")
	for _, point := range points {
		point.PutStr("source", "config")
	}
	require.NoError(t, p.ConsumeMetrics(t.Context(), md))

	md = twoPoints()
	resource, _, points = parts(md)
	resource.PutStr("service.instance.id", "i")
	points[0].PutStr("instance", "other")
	points[0].PutStr("a.b", "1")
	points[0].PutStr("a_b", "1")
	points[0].PutStr("a-b", "1")
	points[1].PutStr("__name__", "n")
	points[1].PutStr("quantile", "0.9")
	require.NoError(t, p.ConsumeMetrics(t.Context(), md))
	require.NoError(t, p.ConsumeMetrics(t.Context(), twoPoints()))

	settled := func(kind string, points int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: points, Attributes: attribute.NewSet(
			attribute.String("processor", set.ID.String()), attribute.String("kind", kind))}
	}
	metadatatest.AssertEqualProcessorPrometheusLabelsSettledPoints(t, tt, []metricdata.DataPoint[int64]{
		settled("const_label", 2), settled("job", 2), settled("scope", 2),
		settled("instance", 1), settled("duplicate", 1), settled("invalid", 1), settled("reserved", 1),
	}, metricdatatest.IgnoreTimestamp())
	require.NoError(t, p.Shutdown(t.Context()))
}
