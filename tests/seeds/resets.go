package seeds

import (
	"fmt"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// Added is what a reader adds up of a counter: its first value and every growth, where a fall begins anew at 0.
func Added(series harness.TimeSeries) float64 {
	sum, before := 0.0, 0.0
	for _, sample := range series.Samples {
		if sample.Value < before {
			before = 0
		}
		sum += sample.Value - before
		before = sample.Value
	}
	return sum
}

// Resets is how often a counter falls.
func Resets(series harness.TimeSeries) int {
	count := 0
	for i := 1; i < len(series.Samples); i++ {
		if series.Samples[i].Value < series.Samples[i-1].Value {
			count++
		}
	}
	return count
}

// CheckSums compares what a reader adds up of each stored series (Added) with what is wanted by capture.Key. known are
// the series that there may be; parts of one series may come several times.
func CheckSums(want map[string]float64, family Family, known Truth, stored []harness.TimeSeries) error {
	var unique Truth
	seen := map[string]bool{}
	for _, total := range known {
		if key := capture.Key(total.Metric, total.Labels); !seen[key] {
			seen[key] = true
			total.Value = want[key]
			unique = append(unique, total)
		}
	}
	matched, err := unique.Match(family, stored)
	if err != nil {
		return err
	}
	var faults []error
	for i, wanted := range matched {
		if got := Added(stored[i]); !Same(wanted, got) {
			faults = append(faults, fmt.Errorf("%v, should be %v: %s", got, wanted, stored[i].Selector()))
		}
	}
	return shortened(faults)
}
