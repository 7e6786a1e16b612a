package seeds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// Ideal writes what a stack's Prometheus would have stored if the true totals had followed the zeros at once, in the
// OpenMetrics text format: the same series with the same labels and times, and for each sample that is not 0 the true
// total of the series. A question to it has the answer that the question should have, whatever the question is.
func Ideal(stored []harness.TimeSeries, totals map[int]float64) string {
	var out strings.Builder
	for i, series := range stored {
		total, known := totals[i]
		if !known {
			continue
		}
		for _, sample := range series.Samples {
			value := total
			if sample.Value == 0 {
				value = 0
			}
			fmt.Fprintf(&out, "%s %s %.3f\n", selector(series.Labels), strconv.FormatFloat(value, 'g', -1, 64), sample.Time)
		}
	}
	return out.String() + "# EOF\n"
}

// selector writes name{label="value",…}.
func selector(labels map[string]string) string {
	var pairs []string
	for name, value := range labels {
		if name != "__name__" {
			pairs = append(pairs, fmt.Sprintf("%s=%q", name, value))
		}
	}
	slices.Sort(pairs)
	return labels["__name__"] + "{" + strings.Join(pairs, ",") + "}"
}

// Difference compares the answers to one question by their labels; empty if they are equal.
func Difference(want, got []harness.TimeSeries) string {
	wanted, gotten := byLabels(want), byLabels(got)
	var out []string
	for labels, value := range wanted {
		if other, found := gotten[labels]; !found {
			out = append(out, fmt.Sprintf("%s: nothing, should be %v", labels, value))
		} else if !Same(value, other) && value == value { // NaN is what 0/0 gives to both
			out = append(out, fmt.Sprintf("%s: %v, should be %v", labels, other, value))
		}
	}
	for labels, value := range gotten {
		if _, found := wanted[labels]; !found {
			out = append(out, fmt.Sprintf("%s: %v, should not be there", labels, value))
		}
	}
	slices.Sort(out)
	return strings.Join(out[:min(len(out), 6)], "\n")
}

func byLabels(series []harness.TimeSeries) map[string]float64 {
	out := map[string]float64{}
	for _, s := range series {
		out[selector(s.Labels)] = s.Last().Value
	}
	return out
}
