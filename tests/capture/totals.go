package capture

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Totals are values by series. A series is written as Key does.
type Totals map[string]float64

// Totals adds up the deltas of all metrics requests per series: what a reader of the output has to see. Use it on a
// capture without repetitions.
func (c Capture) Totals(tb testing.TB) Totals {
	tb.Helper()
	return c.TotalsWithout(tb)
}

// TotalsWithout is Totals after some attributes were removed: what becomes equal adds up (rule T1).
func (c Capture) TotalsWithout(tb testing.TB, attributes ...string) Totals {
	tb.Helper()
	out := Totals{}
	for _, md := range c.decoded(tb) {
		EachPoint(md, func(m pmetric.Metric, p pmetric.NumberDataPoint) {
			require.Equal(tb, pmetric.AggregationTemporalityDelta, m.Sum().AggregationTemporality(), m.Name())
			all := labels(p.Attributes())
			for _, attribute := range attributes {
				delete(all, attribute)
			}
			out[Key(m.Name(), all)] += value(p)
		})
	}
	return out
}

// Without takes attributes off the series and adds up what becomes equal.
func (t Totals) Without(attributes ...string) Totals {
	if len(attributes) == 0 {
		return t
	}
	names := make([]string, 0, len(attributes))
	for _, attribute := range attributes {
		names = append(names, Sanitised(attribute))
	}
	pair := regexp.MustCompile(`([{,])(?:` + strings.Join(names, "|") + `)="(?:[^"\\]|\\.)*",?`)
	out := Totals{}
	for key, value := range t {
		for { // neighbours share a comma, so one may be left at a time
			shorter := pair.ReplaceAllString(key, "$1")
			if shorter == key {
				break
			}
			key = shorter
		}
		out[strings.Replace(key, ",}", "}", 1)] += value
	}
	return out
}

// Key writes a series as `metric{label="value",…}` with the metric name as Prometheus exporters begin it (they append
// unit and `_total`) and the labels sorted.
func Key(metric string, labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for name, value := range labels {
		pairs = append(pairs, fmt.Sprintf("%s=%q", Sanitised(name), value))
	}
	slices.Sort(pairs)
	return NamePrefix(metric) + "{" + strings.Join(pairs, ",") + "}"
}

// NamePrefix is how the name of an OTLP metric begins in Prometheus, before unit and `_total`.
func NamePrefix(metric string) string {
	return strings.TrimSuffix(Sanitised(metric), "_total")
}

// IsComputed tells metrics that the collector adds to those of clients, by name in OTLP or in Prometheus.
func IsComputed(metric string) bool {
	return strings.HasPrefix(Sanitised(metric), "token_ledger_")
}

// Sanitised writes a name with the characters that Prometheus always knew.
func Sanitised(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

func labels(attributes pcommon.Map) map[string]string {
	out := map[string]string{}
	for name, value := range attributes.All() {
		out[name] = value.AsString()
	}
	return out
}

func value(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}
