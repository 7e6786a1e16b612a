package seeds

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// Truth is what the clients counted: one entry per series, made by adding up the deltas that they sent.
type Truth []Total

// Total is one series, with its labels as Prometheus writes their names.
type Total struct {
	Metric string // as the client sends it
	Labels map[string]string
	Value  float64
}

// TruthOf adds up the deltas of a capture without repetitions.
func TruthOf(tb testing.TB, c capture.Capture) Truth {
	tb.Helper()
	var out Truth
	places := map[string]int{}
	for _, request := range c.Of(capture.Metrics) {
		decoded, err := request.MetricsRequest()
		require.NoError(tb, err)
		capture.EachPoint(decoded.Metrics(), func(m pmetric.Metric, p pmetric.NumberDataPoint) {
			labels := map[string]string{}
			for name, value := range p.Attributes().All() {
				labels[capture.Sanitised(name)] = value.AsString()
			}
			key := capture.Key(m.Name(), labels)
			place, known := places[key]
			if !known {
				place = len(out)
				places[key] = place
				out = append(out, Total{Metric: m.Name(), Labels: labels})
			}
			out[place].Value += valueOf(p)
		})
	}
	return out
}

func valueOf(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}

// Sum adds up a metric's series that have all the labels given as name, value, …
func (t Truth) Sum(metric Metric, labels ...string) float64 {
	var sum float64
	for _, total := range t.of(metric, labels) {
		sum += total.Value
	}
	return sum
}

// By adds up a metric's series by the value of a label.
func (t Truth) By(metric Metric, label string) map[string]float64 {
	out := map[string]float64{}
	for _, total := range t.of(metric, nil) {
		out[total.Labels[label]] += total.Value
	}
	return out
}

// Series is how many series a metric has.
func (t Truth) Series(metric Metric) int { return len(t.of(metric, nil)) }

func (t Truth) of(metric Metric, labels []string) []Total {
	return slices.DeleteFunc(slices.Clone(t), func(total Total) bool {
		for i := 0; i+1 < len(labels); i += 2 {
			if total.Labels[labels[i]] != labels[i+1] {
				return true
			}
		}
		return total.Metric != metric.Name
	})
}

// Tolerance is how far a sum of decimals (dollars, seconds) may be off, relative to its size; counts are exact below it.
const Tolerance = 1e-9

// Same compares numbers within the tolerance.
func Same(want, got float64) bool {
	return math.Abs(want-got) <= Tolerance*max(1, math.Abs(want))
}

// Match finds for each stored series of one family its true total. Each true series must be there once, whatever labels
// the stack adds to those of the client, and no other. A label of the client's that the stack's own labels hide is shown
// as exported_… by Prometheus.
func (t Truth) Match(family Family, stored []harness.TimeSeries) (map[int]float64, error) {
	out := map[int]float64{}
	var faults []error
	for _, metric := range Metrics {
		for _, name := range metric.NamesIn(family) {
			faults = append(faults, match(name, t.of(metric, nil), stored, out)...)
		}
	}
	return out, shortened(faults)
}

// match finds the stored series of one name for the totals and notes them by their places.
func match(name string, totals []Total, stored []harness.TimeSeries, found map[int]float64) (faults []error) {
	for _, total := range totals {
		count := 0
		for i, series := range stored {
			if _, taken := found[i]; !taken && series.Labels["__name__"] == name && shows(series.Labels, total.Labels) {
				found[i] = total.Value
				count++
			}
		}
		if count != 1 {
			faults = append(faults, fmt.Errorf("%s: shown %d times", capture.Key(name, total.Labels), count))
		}
	}
	for i, series := range stored {
		if _, known := found[i]; series.Labels["__name__"] == name && !known {
			faults = append(faults, fmt.Errorf("%s: nobody counted that", series.Selector()))
		}
	}
	return faults
}

// Check compares the last samples of one family with the truth.
func (t Truth) Check(family Family, stored []harness.TimeSeries) error {
	matched, err := t.Match(family, stored)
	var faults []error
	for i, want := range matched {
		if got := stored[i].Last().Value; !Same(want, got) {
			faults = append(faults, fmt.Errorf("%v, should be %v: %s", got, want, stored[i].Selector()))
		}
	}
	return errors.Join(err, shortened(faults))
}

func shows(labels, wanted map[string]string) bool {
	for name, value := range wanted {
		if labels[name] != value && labels["exported_"+name] != value {
			return false
		}
	}
	return true
}

// shortened joins errors, only some if they are many.
func shortened(faults []error) error {
	if len(faults) > 8 {
		return fmt.Errorf("%d faults, of which: %w", len(faults), errors.Join(faults[:8]...))
	}
	return errors.Join(faults...)
}

// FamilyOf tells the families that the names of stored series belong to, for messages.
func FamilyOf(stored []harness.TimeSeries) string {
	names := map[string]int{}
	for _, series := range stored {
		names[series.Labels["__name__"]]++
	}
	var out []string
	for name, count := range names {
		out = append(out, fmt.Sprintf("%s (%d)", name, count))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
