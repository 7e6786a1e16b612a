package tests

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/synthetic"
)

// histogramConfig trims the sessions of histograms.
const histogramConfig = `
processors:
  token_ledger:
    identity: prometheus
    prometheus: {promote_scope_metadata: false}
    cardinality: {rules: [{metrics: ["agent.*"], drop: [session.id]}]}
exporters:
  prometheus: {without_scope_info: true, resource_to_telemetry_conversion: {enabled: false}}
`

// arrivals are the ways in which the windows of a client may arrive. Each returns requests.
var arrivals = []struct {
	name  string
	order func(windows []pmetric.Metrics) []pmetric.Metrics
}{
	{"as sent", func(w []pmetric.Metrics) []pmetric.Metrics { return w }},
	{"each twice", func(w []pmetric.Metrics) []pmetric.Metrics {
		var out []pmetric.Metrics
		for _, window := range w {
			out = append(out, window, window)
		}
		return out
	}},
	{"all again", func(w []pmetric.Metrics) []pmetric.Metrics { return slices.Concat(w, w) }},
	{"swapped", func(w []pmetric.Metrics) []pmetric.Metrics {
		w = slices.Clone(w)
		w[2], w[len(w)-1] = w[len(w)-1], w[2]
		return w
	}},
	{"newest first", func(w []pmetric.Metrics) []pmetric.Metrics {
		w = slices.Clone(w)
		slices.Reverse(w)
		return w
	}},
	{"in one batch, newest first", func(w []pmetric.Metrics) []pmetric.Metrics {
		w = slices.Clone(w)
		slices.Reverse(w)
		return []pmetric.Metrics{synthetic.Merge(w...)}
	}},
	{"the last two again in one batch", func(w []pmetric.Metrics) []pmetric.Metrics {
		return append(slices.Clone(w), synthetic.Merge(w[len(w)-2:]...))
	}},
}

// histogramWindows are how many windows each client sends.
const histogramWindows = 12

// histogramClient is who sends them: a session that is trimmed.
func histogramClient(label string) synthetic.Source {
	return synthetic.Source{
		Resource:   map[string]string{"service.name": "agent"},
		Attributes: map[string]string{"session.id": label + " session", "case": label},
	}
}

// window is the i-th second of the last minute.
func window(i int) synthetic.Window {
	begin := time.Now().Add(-time.Minute).Truncate(time.Second)
	return synthetic.Window{Start: begin.Add(time.Duration(i) * time.Second), End: begin.Add(time.Duration(i+1) * time.Second)}
}

// sendEncoded sends requests as JSON and as protobuf bodies, in turns.
func sendEncoded(t *testing.T, collector *harness.Collector, requests []pmetric.Metrics, first int) {
	t.Helper()
	client := collector.Client(t, harness.HTTPProtobuf)
	for i, md := range requests {
		encoding := []capture.Encoding{capture.JSON, capture.Protobuf}[(i/2+first)%2] // "each twice" sends equal bodies
		request, err := capture.FromMetrics(md, encoding)
		require.NoError(t, err)
		require.NoError(t, client.Post(t.Context(), request, ""))
	}
}

// Scenario: clients send delta histograms with explicit bounds, as JSON and as protobuf, repeated, swapped and batched
// anew; bounds stay, or change in the middle. Guarantee: count, sum and buckets on the page are those of all
// observations; where bounds changed, at the bounds that both have (D12).
func TestExplicitHistograms(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: histogramConfig})
	bounds := map[string][2][]float64{
		"one set of bounds": {{1, 5, 10, 50, 100}, {1, 5, 10, 50, 100}},
		"bounds change":     {{1, 5, 10, 50, 100}, {5, 25, 50, 200}},
		"no common bounds":  {{1, 10}, {5, 50}},
	}
	want := map[string]synthetic.Explicit{}
	random := rand.New(rand.NewPCG(7, 7))
	for name, sets := range bounds {
		for i, arrival := range arrivals {
			label := name + ", " + arrival.name
			all := synthetic.NewExplicit(slices.DeleteFunc(slices.Clone(sets[0]), func(b float64) bool { return !slices.Contains(sets[1], b) })...)
			var windows []pmetric.Metrics
			for at := range histogramWindows {
				observed := synthetic.NewExplicit(sets[at*2/histogramWindows]...)
				for range 1 + random.IntN(20) {
					value := float64(random.IntN(150))
					observed.Observe(value)
					all.Observe(value)
				}
				windows = append(windows, histogramClient(label).Request().Explicit("agent.latency", synthetic.Delta, window(at), observed).Metrics())
			}
			want[label] = all
			sendEncoded(t, collector, arrival.order(windows), i)
		}
	}
	collector.Settle(t)
	for label, all := range want {
		found := collector.Histograms(t, "case", label)
		if assert.Len(t, found, 1, label) {
			assert.NoError(t, sameExplicit(all, found[0]), label)
		}
	}
}

// sameExplicit compares exactly.
func sameExplicit(want synthetic.Explicit, got harness.Histogram) error {
	var errs []error
	if got.Count != want.Count() || got.Sum != want.Sum {
		errs = append(errs, fmt.Errorf("count %d, sum %v, should be %d and %v", got.Count, got.Sum, want.Count(), want.Sum))
	}
	buckets, below := map[float64]uint64{}, uint64(0)
	for i, bound := range want.Bounds {
		below += want.Counts[i]
		buckets[bound] = below
	}
	for bound, count := range got.Buckets {
		if expected, there := buckets[bound]; there && expected == count {
			delete(buckets, bound)
		} else if bound < 1e300 { // the last bucket is infinity
			errs = append(errs, fmt.Errorf("bucket %v has %d, should have %d (exists: %t)", bound, count, expected, there))
		}
	}
	for bound := range buckets {
		errs = append(errs, fmt.Errorf("bucket %v is missing or wrong", bound))
	}
	return errors.Join(errs...)
}

// Scenario: clients send delta histograms with exponential buckets, as JSON and as protobuf, repeated, swapped and
// batched anew; scales differ from window to window. Guarantee: count, sum, zeros and buckets on the page are those of
// all observations at the coarsest scale (D13).
func TestExponentialHistograms(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: histogramConfig})
	scales := map[string][]int32{"one scale": {3}, "scales differ": {5, 3, 4}}
	const coarsest = 3
	want := map[string]*synthetic.Exponential{}
	random := rand.New(rand.NewPCG(8, 8))
	for name, set := range scales {
		for i, arrival := range arrivals {
			label := name + ", " + arrival.name
			all := &synthetic.Exponential{Scale: coarsest}
			var windows []pmetric.Metrics
			for at := range histogramWindows {
				observed := synthetic.Exponential{Scale: set[at%len(set)]}
				for range 1 + random.IntN(20) {
					bucket := random.IntN(400) - 100 // at scale 5: values from 0.1 to 660
					observed.Observe(5, bucket)
					all.Observe(5, bucket)
				}
				observed.Zeros = uint64(random.IntN(3))
				all.Zeros += observed.Zeros
				windows = append(windows, histogramClient(label).Request().Exponential("agent.size", synthetic.Delta, window(at), observed).Metrics())
			}
			want[label] = all
			sendEncoded(t, collector, arrival.order(windows), i)
		}
	}
	collector.Settle(t)
	for label, all := range want {
		found := collector.Histograms(t, "case", label)
		if assert.Len(t, found, 1, label) {
			requireExponential(t, *all, found[0], label)
		}
	}
}

func requireExponential(t *testing.T, want synthetic.Exponential, got harness.Histogram, label string) {
	t.Helper()
	assert.Equal(t, want.Count(), got.Count, "%s: count", label)
	assert.Equal(t, want.Sum, got.Sum, "%s: sum", label)
	assert.Equal(t, want.Zeros, got.Zeros, "%s: zeros", label)
	if assert.LessOrEqual(t, got.Schema, want.Scale, "%s: scale", label) {
		assert.Equal(t, want.Scale, got.Schema, "%s: scale", label)
		assert.Equal(t, want.At(got.Schema), got.Positive, "%s: buckets", label)
	}
}

// Scenario: two sessions of one user send the same explicit and exponential windows under their own ids. Guarantee: the
// trimmed histogram has both (T1).
func TestHistogramsOfTrimmedSessions(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: histogramConfig})
	explicit, exponential := synthetic.NewExplicit(1, 10), synthetic.Exponential{Scale: 3}
	explicit.Observe(1, 2, 20)
	exponential.Observe(5, 77)
	exponential.Observe(5, -77)
	for _, session := range []string{"one", "two"} {
		request := histogramClient("trimmed").With("session.id", session).Request()
		request.Explicit("agent.latency", synthetic.Delta, window(0), explicit)
		request.Exponential("agent.size", synthetic.Delta, window(0), exponential)
		sendEncoded(t, collector, []pmetric.Metrics{request.Metrics()}, 0)
	}
	collector.Settle(t)
	found := collector.Histograms(t, "case", "trimmed")
	require.Len(t, found, 2)
	for _, h := range found {
		if len(h.Positive) == 0 {
			twice := synthetic.NewExplicit(1, 10)
			twice.Observe(1, 2, 20, 1, 2, 20)
			assert.NoError(t, sameExplicit(twice, h))
			continue
		}
		twice := synthetic.Exponential{Scale: 3}
		for _, bucket := range []int{77, -77, 77, -77} {
			twice.Observe(5, bucket)
		}
		requireExponential(t, twice, h, "trimmed")
	}
}

// Scenario: two processes send cumulative histograms in turns under one session id, with late points, and one restarts.
// Guarantee: the trimmed histograms are the sums of what the processes observed (T3 for histograms).
func TestCumulativeHistograms(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: histogramConfig})
	collector.Settle(t)
	random := rand.New(rand.NewPCG(9, 9))
	wholeExplicit, wholeExponential := synthetic.NewExplicit(1, 5, 25), &synthetic.Exponential{Scale: 4}
	begin := time.Now().Add(-50 * time.Millisecond).Truncate(time.Millisecond)
	var requests []pmetric.Metrics
	for process := range 3 {
		explicit, exponential := synthetic.NewExplicit(1, 5, 25), synthetic.Exponential{Scale: 4}
		start := begin.Add(time.Duration(process) * time.Millisecond)
		for step := range 5 {
			value, bucket := float64(random.IntN(40)), random.IntN(200)-50
			explicit.Observe(value)
			wholeExplicit.Observe(value)
			exponential.Observe(5, bucket)
			wholeExponential.Observe(5, bucket)
			w := synthetic.Window{Start: start, End: start.Add(time.Duration(10+step) * time.Millisecond)}
			request := histogramClient("cumulative").Request()
			request.Explicit("agent.latency", synthetic.Cumulative, w, copyExplicit(explicit))
			request.Exponential("agent.size", synthetic.Cumulative, w, exponential)
			requests = append(requests, request.Metrics())
		}
	}
	// In turns, and each process's fourth point after its last.
	order := []int{0, 5, 10, 1, 6, 11, 2, 7, 12, 4, 9, 14, 3, 8, 13}
	for _, at := range order {
		sendEncoded(t, collector, requests[at:at+1], at)
	}
	collector.Settle(t)
	found := collector.Histograms(t, "case", "cumulative")
	require.Len(t, found, 2)
	for _, h := range found {
		if len(h.Positive) == 0 {
			assert.NoError(t, sameExplicit(wholeExplicit, h))
		} else {
			requireExponential(t, *wholeExponential, h, "cumulative")
		}
	}
}

func copyExplicit(h synthetic.Explicit) synthetic.Explicit {
	h.Counts = slices.Clone(h.Counts)
	return h
}
