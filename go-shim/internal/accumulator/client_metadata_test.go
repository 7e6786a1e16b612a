// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package accumulator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

func as(ctx context.Context, tenant string) context.Context {
	return client.NewContext(ctx, client.Info{Metadata: client.NewMetadata(map[string][]string{
		"X-Tenant": {tenant},
		"X-Secret": {"never identity"},
	})})
}

// Scenario: two tenants send equal windows, and `metadata_keys` names the tenant.
// Guarantee: their totals stay apart, and periodic output goes out as the tenant it belongs to, with nothing else of
// the clients' metadata.
func TestTenantsNeverMix(t *testing.T) {
	next := &recorder{}
	r := newRig(t, next, func(settings *Settings) {
		interval(settings)
		settings.MetadataKeys = []string{"x-Tenant"}
	})
	r.clock.MoveTo(20 * time.Second)
	for _, request := range []struct {
		tenant string
		value  int64
	}{{"red", 5}, {"blue", 5}, {"red", 2}} {
		md := window(10*time.Second, 20*time.Second, "input", request.value)
		require.NoError(t, r.ConsumeMetrics(as(t.Context(), request.tenant), md))
	}
	r.clock.MoveTo(30 * time.Second)
	require.NoError(t, r.Tick(t.Context(), false))

	totals := map[string]int64{}
	for i, md := range next.AllMetrics() {
		sent := client.FromContext(next.contexts[i]).Metadata
		assert.Empty(t, sent.Get("x-secret"))
		require.Len(t, sent.Get("x-tenant"), 1)
		forEachPoint(md, func(_ pmetric.Metric, dp pmetric.NumberDataPoint) {
			totals[sent.Get("X-TENANT")[0]] = dp.IntValue()
		})
	}
	assert.Equal(t, map[string]int64{"red": 7, "blue": 5}, totals)
}

// Scenario: clients send metadata that `metadata_keys` does not name, or none.
// Guarantee: what is not named is no part of identity, and what is absent stays absent.
func TestMetadataSelection(t *testing.T) {
	assert.Nil(t, newMetadataKeys(nil).selectFrom(as(t.Context(), "red")))
	keys := newMetadataKeys([]string{"X-Tenant", "X-Absent"})
	assert.Equal(t, engine.Metadata{"x-tenant": {"red"}}, keys.selectFrom(as(t.Context(), "red")))
	assert.Equal(t, engine.Metadata{}, keys.selectFrom(t.Context()))
	assert.Equal(t, t.Context(), withMetadata(t.Context(), nil))
}
