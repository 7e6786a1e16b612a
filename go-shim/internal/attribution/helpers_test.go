// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// begin is the test's clock at first.
var begin = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// usual are the settings that a component has by default.
func usual() Settings {
	return Settings{
		Key: DefaultKey, Unmatched: "unattributed", Agent: true,
		Aliases: map[string][]string{"team": {"team", "team.id", "team_id", "team.name", "department", "squad"}},
	}
}

func newAttributor(t testing.TB, settings Settings, csv string) *Attributor {
	t.Helper()
	a := New(settings)
	a.now = func() time.Time { return begin }
	if csv != "" {
		require.NoError(t, a.Load("users.csv", []byte(csv)))
	}
	return a
}

// one returns a request with one delta point.
func one(metric string, resource, point map[string]any) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	_ = rm.Resource().Attributes().FromRaw(resource)
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(metric)
	sum := m.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	dp := sum.DataPoints().AppendEmpty()
	dp.SetTimestamp(pcommon.NewTimestampFromTime(begin))
	_ = dp.Attributes().FromRaw(point)
	return md
}

func firstPoint(md pmetric.Metrics) pmetric.NumberDataPoint {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
}

// attributed is what becomes of one point.
func attributed(a *Attributor, metric string, resource, point map[string]any) map[string]any {
	md := one(metric, resource, point)
	a.Metrics(md)
	return firstPoint(md).Attributes().AsRaw()
}

// without returns attributes without some.
func without(attributes map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for name, value := range attributes {
		out[name] = value
	}
	for _, name := range names {
		delete(out, name)
	}
	return out
}

type raw = map[string]any

const tokens = "claude_code.token.usage"
