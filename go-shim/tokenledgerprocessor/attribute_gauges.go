// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/attribution"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// gauge is a metric that says what a file says, and that no client sends.
type gauge struct {
	name, description, unit string
	points                  []gaugePoint
}

// gaugePoint is one value.
type gaugePoint struct {
	attributes []attribution.Attribute
	value      float64
}

// gaugeMetrics writes gauges under the processor's own scope and an empty resource: they are about no client. The second
// result is false if there is nothing to send.
func gaugeMetrics(at time.Time, gauges []gauge) (pmetric.Metrics, bool) {
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(metadata.ScopeName)
	for _, g := range gauges {
		if len(g.points) > 0 {
			g.appendTo(sm.Metrics(), pcommon.NewTimestampFromTime(at))
		}
	}
	return md, sm.Metrics().Len() > 0
}

func (g *gauge) appendTo(metrics pmetric.MetricSlice, at pcommon.Timestamp) {
	metric := metrics.AppendEmpty()
	metric.SetName(g.name)
	metric.SetDescription(g.description)
	metric.SetUnit(g.unit)
	points := metric.SetEmptyGauge().DataPoints()
	points.EnsureCapacity(len(g.points))
	for _, p := range g.points {
		dp := points.AppendEmpty()
		dp.SetTimestamp(at)
		dp.SetDoubleValue(p.value)
		dp.Attributes().EnsureCapacity(len(p.attributes))
		for _, attribute := range p.attributes {
			dp.Attributes().PutStr(attribute.Name, attribute.Value)
		}
	}
}

// budgetGauges are the limits of an attribution file.
func budgetGauges(budgets []attribution.Budget) []gauge {
	g := gauge{
		name:        "token_ledger.budget.limit",
		description: "What a user or a group may spend in a period, as the attribution file says",
		unit:        "USD",
		points:      make([]gaugePoint, 0, len(budgets)),
	}
	for _, budget := range budgets {
		attributes := append([]attribution.Attribute(nil), budget.Attributes...)
		attributes = append(attributes, attribution.Attribute{Name: "period", Value: budget.Period})
		g.points = append(g.points, gaugePoint{attributes, budget.LimitUSD})
	}
	return []gauge{g}
}

// currencyGauge is what a dollar is worth in another currency, by its ISO 4217 code. It has no unit: exporters would
// make `1` a ratio of it.
func currencyGauge(currency string, perDollar float64) gauge {
	return gauge{
		name:        "token_ledger.currency.rate",
		description: "What one US dollar is worth in the currency, as the price file says",
		points:      []gaugePoint{{[]attribution.Attribute{{Name: "currency", Value: currency}}, perDollar}},
	}
}
