package main

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// inProcess is a worker without a process of its own; orders and answers still go through JSON.
type inProcess struct {
	process
	done chan error
}

func startInProcess(subject string) (worker, error) {
	orders, input := io.Pipe()
	output, answers := io.Pipe()
	w := &inProcess{newProcess(input, output), make(chan error, 1)}
	go func() { w.done <- serve(subject, orders, answers) }()
	return w, nil
}

func (w *inProcess) end() error {
	if err := w.input.Close(); err != nil {
		return err
	}
	return <-w.done
}

// Scenario: a whole run in small sizes. Guarantee: every case brings figures for both processors, and a page of them.
func TestSmallRun(t *testing.T) {
	p := plan{
		loads: []load{
			{populate(plain, 400), 2, cases([]int{1, 100}, []bool{false, true}, 800)},
			{populate(plain, 1000), 2, reused([]int{1, 1000}, 3000)},
			{populate(asPrometheus, 1000), 2, oneByOne([]int{100}, 2000)},
			{populate(trimmed, 1000), 2, oneByOne([]int{1, 1000}, 2000)},
			{populate(explicit, 1000), 2, oneByOne([]int{100}, 2000)},
			{populate(exponential, 1000), 2, oneByOne([]int{100}, 2000)},
		},
		memory:       []PopulateCase{populate(plain, 5000), populate(trimmed, 5000), populate(exponential, 5000)},
		stallStreams: 5000,
		stallRuns:    1,
		ledger:       ledgerPlan{streams: 1000, rounds: 2, batches: []WarmCase{{Batch: 100, Goroutines: 1, Points: 1000}}, restore: []int{2000}},
		pricing:      pricingPlan{streams: 1000, rounds: 2, shapes: []shape{plain, trimmed}, batches: oneByOne([]int{100}, 1000)},
	}
	results, err := p.run(startInProcess, func(string) {})
	require.NoError(t, err)
	require.Len(t, results.Warm, 20)
	require.Len(t, results.Pricing, 4)
	for _, c := range results.Pricing {
		require.Len(t, c.With, 2)
		require.Len(t, c.Without, 2)
	}
	require.Len(t, results.Ledger, 1)
	for _, rounds := range results.Ledger[0].Rounds {
		require.Len(t, rounds, 2)
		assert.Positive(t, median(of(rounds, wallTime)))
	}
	require.Len(t, results.Restores, 1)
	assert.Positive(t, results.Restores[0].Nanos)
	assert.Positive(t, results.Restores[0].FileBytes)
	for _, w := range results.Warm {
		for _, rounds := range [][]Round{w.Ours, w.Contrib} {
			require.Len(t, rounds, 2)
			assert.Positive(t, median(of(rounds, wallTime)))
		}
		assert.Positive(t, median(of(w.Contrib, allocations)))
	}
	require.Len(t, results.Memory, 6)
	own, rival := results.Memory[0], results.Memory[1]
	assert.Greater(t, own.StateBytes, 100.0)
	assert.Greater(t, own.TextBytes, 1.0)
	assert.Less(t, own.HeapObjects, 0.1)
	assert.Greater(t, rival.HeapObjects, 10.0)
	require.Len(t, results.Stalls, 4)
	for _, s := range results.Stalls {
		assert.Equal(t, 500, s.Wall.Calls)
		assert.Positive(t, s.CPU.P50)
	}
	results.Bars = bars(results)
	text := results.markdown()
	assert.Contains(t, text, "| sums | 400 | random | new | 100 | 2 |")
	assert.Contains(t, text, "| sums | 1,000 | in order | reused | 1000 | 1 |")
	assert.Contains(t, text, "| sums, 10 attributes trimmed to 3 | 1,000 | in order | new | 1000 | 1 |")
	assert.Contains(t, text, "| histograms of 120 exponential buckets | 1,000 | in order | new | 100 | 1 |")
	assert.Contains(t, text, "objects for Go's collector")
}

// Scenario: an order that fails. Guarantee: the parent learns why, and the worker goes on.
func TestWorkerReportsErrors(t *testing.T) {
	w, err := startInProcess(ours)
	require.NoError(t, err)
	_, err = w.do(order{Warm: &WarmCase{Batch: 1}})
	require.ErrorContains(t, err, "makes no sense here")
	_, err = w.do(order{Populate: &PopulateCase{Shape: plain, Streams: 10}})
	require.NoError(t, err)
	_, err = w.do(order{Warm: &WarmCase{Batch: 1, Goroutines: 1, Points: 10, Random: true, Reused: true}})
	require.ErrorContains(t, err, "cannot reuse requests")
	require.NoError(t, w.end())
	_, err = stagesOf("theirs", populate(plain, 1), "")
	assert.ErrorContains(t, err, `no processor is called "theirs"`)
}

// Scenario: requests for streams of one session and of two. Guarantee: streams differ as they should, points carry ten
// attributes and the window that was asked for.
func TestRequests(t *testing.T) {
	end := time.UnixMilli(1_800_000_000_000)
	md, err := newMill(plain, 3).request([]place{{0, end}, {1, end}, {4, end}})
	require.NoError(t, err)
	points := metricOf(md).Sum().DataPoints()
	require.Equal(t, 3, points.Len())
	text := func(i int, key string) string {
		value, ok := points.At(i).Attributes().Get(key)
		require.True(t, ok)
		return value.Str()
	}
	assert.Equal(t, 10, points.At(0).Attributes().Len())
	assert.Equal(t, text(0, "session.id"), text(1, "session.id"))
	assert.NotEqual(t, text(0, "type"), text(1, "type"))
	assert.NotEqual(t, text(0, "session.id"), text(2, "session.id"))
	assert.Equal(t, end, points.At(2).Timestamp().AsTime().Local())
	assert.Equal(t, pmetric.AggregationTemporalityDelta, metricOf(md).Sum().AggregationTemporality())
}

// Scenario: a walk of several passes, begun twice. Guarantee: each pass visits every stream once, and the windows of a
// stream end later each time and never after now.
func TestWalk(t *testing.T) {
	for _, random := range []bool{false, true} {
		w := newWalk(10, 7, random, 1)
		last := map[int]time.Time{}
		for range 2 {
			w.begin(21, 1)
			visits := map[int]int{}
			for range 21 {
				place := w.next()
				assert.True(t, place.end.After(last[place.stream]))
				assert.False(t, place.end.After(time.Now()))
				last[place.stream] = place.end
				visits[place.stream]++
			}
			assert.Len(t, visits, 7)
			for stream := 10; stream < 17; stream++ {
				assert.Equal(t, 3, visits[stream])
			}
		}
	}
}

// Scenario: requests of each shape. Guarantee: they have the buckets that their name says, and as many streams are left
// after trimming as users and types.
func TestShapes(t *testing.T) {
	places := []place{{0, time.UnixMilli(1)}, {1, time.UnixMilli(1)}, {4, time.UnixMilli(1)}, {100, time.UnixMilli(1)}}
	assert.Equal(t, 3, trimmedStreams(places))
	assert.Len(t, keptAttributes, 3)
	assert.Len(t, droppedAttributes, 7)
	md, err := newMill(explicit, 4).request(places)
	require.NoError(t, err)
	assert.Equal(t, explicitBuckets, metricOf(md).Histogram().DataPoints().At(3).BucketCounts().Len())
	md, err = newMill(exponential, 4).request(places)
	require.NoError(t, err)
	assert.Equal(t, exponentialBuckets, metricOf(md).ExponentialHistogram().DataPoints().At(3).Positive().BucketCounts().Len())
	assert.ErrorContains(t, exponential.verify(md, 4), "left as Delta")
	assert.ErrorContains(t, exponential.verify(md, 3), "4 points left")
}

// Scenario: a walk of requests that become one stream each. Guarantee: each request is later than the one before it, and
// none after now.
func TestSteppedWalk(t *testing.T) {
	w := newWalk(0, 4, false, 1)
	w.stepped = true
	last := time.Time{}
	for range 3 {
		w.begin(8, 2)
		for range 4 {
			places := w.visits(2)
			assert.True(t, places[0].end.After(last))
			assert.Equal(t, places[0].end, places[1].end)
			assert.False(t, places[0].end.After(time.Now()))
			last = places[0].end
		}
	}
}

// Scenario: few and many durations. Guarantee: the ranks are those of the sorted list.
func TestSpread(t *testing.T) {
	durations := make([]int64, 1000)
	for i := range durations {
		durations[i] = int64(1000 - i)
	}
	assert.Equal(t, Spread{Calls: 1000, P50: 501, P99: 991, P999: 1000, Max: 1000, Second: 999}, spreadOf(durations))
	assert.Equal(t, Spread{Calls: 1, P50: 5, P99: 5, P999: 5, Max: 5, Second: 5}, spreadOf([]int64{5}))
	assert.Equal(t, Spread{}, spreadOf(nil))
	assert.Equal(t, 2.5, median([]float64{4, 1, 2, 3}))
	assert.Equal(t, 2.0, median([]float64{3, 1, 2}))
}

// Scenario: results that meet some bars and miss others. Guarantee: each says by how much.
func TestBars(t *testing.T) {
	r := &Results{
		Warm: []WarmResult{
			{WarmCase{Shape: plain, Streams: 1000, Batch: 1000, Goroutines: 1}, []Round{{Nanos: 300}}, []Round{{Nanos: 1200}}},
			{WarmCase{Shape: trimmed, Streams: 1000, Batch: 1000, Goroutines: 1}, []Round{{Nanos: 400}}, []Round{{Nanos: 3600}}},
			{WarmCase{Shape: plain, Streams: 1_000_000, Batch: 1000, Goroutines: 1, Random: true}, []Round{{Nanos: 600}}, []Round{{Nanos: 2000}}},
		},
		Memory: []MemoryResult{
			{Subject: contrib, Shape: plain, StateBytes: 1}, {Subject: ours, Shape: plain, StateBytes: 200},
			{Subject: ours, Shape: trimmed, StateBytes: 336},
		},
		Pricing: []PricingResult{
			{WarmCase{Shape: plain, Batch: 1000}, []Round{{Nanos: 300}}, []Round{{Nanos: 345}}},
			{WarmCase{Shape: trimmed, Batch: 1000}, []Round{{Nanos: 400}}, []Round{{Nanos: 475}}},
		},
		Ledger: []LedgerResult{
			{WarmCase{Batch: 1000}, [][]Round{{{Nanos: 300}}, {{Nanos: 420}}, {{Nanos: 465}}, {}, {}}},
			{WarmCase{Batch: 20}, [][]Round{{{Nanos: 300}}, {}, {{Nanos: 6000}}, {}, {}}},
		},
		Restores: []RestoreResult{{Streams: 1_000_000, Nanos: 1_500_000_000}},
		Stalls:   []StallResult{{StallCase{Streams: 1_000_000}, ours, Spread{Max: int64(10 * time.Millisecond)}, Spread{}, Spread{}, 1}},
	}
	var verdicts []string
	for _, b := range bars(r) {
		verdicts = append(verdicts, b.verdict())
	}
	assert.Equal(t, []string{
		"**missed by 20 %**", "**missed by 20 %**", "met", "met", "met", "met", "met", "**missed by 5 %**", "met", "**missed by 25 %**", "**missed by 10 %**", "met", "**missed by 20 %**", "met",
		"**missed by 100 %**",
	}, verdicts)
}

// Scenario: a page with text around the markers, and one without. Guarantee: only what is between them changes.
func TestPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte("before\n"+beginMarker+"\nold\n"+endMarker+"\nafter\n"), 0o600))
	for range 2 {
		require.NoError(t, writeBetweenMarkers(path, "new"))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, "before\n"+beginMarker+"\n\nnew\n\n"+endMarker+"\nafter\n", string(text))
	}
	require.NoError(t, os.WriteFile(path, []byte("nothing"), 0o600))
	assert.ErrorContains(t, writeBetweenMarkers(path, "new"), "has no lines")
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "benchmarks.md"))
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(text), beginMarker), "docs/benchmarks.md")
	assert.Equal(t, 1, strings.Count(string(text), endMarker), "docs/benchmarks.md")
}

// Scenario: what criterion leaves behind: a result with its baseline, and no directory at all. Guarantee: the new
// figures, for each element.
func TestCriterion(t *testing.T) {
	directory := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(directory, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	figures := `{"median":{"confidence_interval":{"lower_bound":900,"upper_bound":1100},"point_estimate":1000}}`
	write("consume/10/new/estimates.json", figures)
	write("consume/10/new/benchmark.json", `{"full_id":"consume/10","throughput":{"Elements":10}}`)
	write("consume/10/base/estimates.json", "old")
	write("tick/new/estimates.json", figures)
	write("tick/new/benchmark.json", `{"full_id":"tick","throughput":null}`)
	results, err := readCriterion(directory)
	require.NoError(t, err)
	assert.Equal(t, []EngineResult{{"consume/10", 100, 90, 110}, {"tick", 1000, 900, 1100}}, results)
	results, err = readCriterion(filepath.Join(directory, "missing"))
	require.NoError(t, err)
	assert.Empty(t, results)
}

// Scenario: numbers of all sizes. Guarantee: a reader can read them.
func TestNumbers(t *testing.T) {
	assert.Equal(t, "1,000,000", grouped(1_000_000))
	assert.Equal(t, "100", grouped(100))
	assert.Equal(t, "0.0012", short(0.00123))
	assert.Equal(t, "12.3", short(12.345))
	assert.Equal(t, "1235", short(1234.6))
	assert.Equal(t, "NaN", short(math.NaN()))
	assert.Equal(t, "3.2 µs", readable(3210))
	assert.Equal(t, "321 µs", readable(321_000))
	assert.Equal(t, "12.50 ms", readable(12_500_000))
}
