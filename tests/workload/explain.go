package workload

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// Explain compares what is shown with what was sent. It has to be all that was acknowledged, and of the requests that
// were not each one either whole or not at all; nothing else. Both are compared without the attributes given, after
// what becomes equal was added up. The load must be paused or finished.
func (l *Load) Explain(shown capture.Totals, without ...string) error {
	acknowledged, inFlight := l.Bounds()
	acknowledged, shown = acknowledged.Without(without...), shown.Without(without...)
	for i := range inFlight {
		inFlight[i] = inFlight[i].Without(without...)
	}
	var closest []string
	for subset := range 1 << len(inFlight) {
		want := maps.Clone(acknowledged)
		for i, request := range inFlight {
			if subset&(1<<i) != 0 {
				addTo(want, request)
			}
		}
		found := differences(want, shown)
		if len(found) == 0 {
			return nil
		}
		if closest == nil || len(found) < len(closest) {
			closest = found
		}
	}
	return fmt.Errorf("%d of %d series are neither without nor with the %d requests that were not acknowledged:\n%s",
		len(closest), len(acknowledged), len(inFlight), strings.Join(closest[:min(len(closest), 6)], "\n"))
}

func differences(want, shown capture.Totals) []string {
	var out []string
	for key, value := range want {
		if got, found := shown[key]; !found {
			out = append(out, fmt.Sprintf("missing, should be %v: %s", value, key))
		} else if !Same(key, value, got) {
			out = append(out, fmt.Sprintf("%v, should be %v: %s", got, value, key))
		}
	}
	for key, value := range shown {
		if _, expected := want[key]; !expected {
			out = append(out, fmt.Sprintf("%v, should not be there: %s", value, key))
		}
	}
	slices.Sort(out)
	return out
}

// Same compares counts exactly, and what has decimals (dollars, seconds of activity) to a billionth.
func Same(key string, want, got float64) bool {
	metric, _, _ := strings.Cut(key, "{")
	if strings.Contains(metric, "cost") || strings.Contains(metric, "active_time") {
		return math.Abs(want-got) <= 1e-9*max(1, math.Abs(want))
	}
	return want == got
}
