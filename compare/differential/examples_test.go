package differential

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// example is the smallest scenario in which a class occurs. docs/differences.md shows what comes out of it.
type example struct {
	// class is what it is an example of.
	class    string
	requests []Request
	change   func(*Scenario)
	// contrib and ours are what the processors send, as shown writes it.
	contrib, ours string
	// also are the other classes that occur in it; first_zero_point does in nearly all.
	also []string
}

// at makes a request that arrives some seconds after the start.
func at(seconds float64, windows ...Window) Request {
	return Request{At: time.Duration(seconds * float64(time.Second)), Windows: windows}
}

// sent makes a window from second start to second end; 0 is no time.
func sent(start, end float64, value Value, change ...func(*Window)) Window {
	w := Window{Stream: exampleStream, Start: secondsAfter(start), Time: secondsAfter(end), Value: value}
	for _, change := range change {
		change(&w)
	}
	return w
}

func secondsAfter(seconds float64) uint64 {
	if seconds == 0 {
		return 0
	}
	return uint64(begin.UnixNano() + int64(math.Round(seconds*1e9)))
}

var exampleStream = &Stream{Host: "host", Metric: "tokens", Monotonic: true}

var otherExampleStream = &Stream{Host: "host", Metric: "tokens", Monotonic: true, Attributes: []Attribute{{"session.id", "two"}}}

var explicitExampleStream = &Stream{Host: "host", Metric: "latency", Monotonic: true, Histogram: explicitHistogram}

var exponentialExampleStream = &Stream{Host: "host", Metric: "size", Monotonic: true, Histogram: exponentialHistogram}

func ofExplicit(w *Window) { w.Stream = explicitExampleStream }

func ofExponential(w *Window) { w.Stream = exponentialExampleStream }

// manyOnes are buckets with one observation each.
func manyOnes(count int) []uint64 {
	return slices.Repeat([]uint64{1}, count)
}

func withThreshold(threshold float64, v Value) Value {
	v.Distribution.ZeroThreshold = threshold
	return v
}

func refused(r Request) Request {
	r.Refused = true
	return r
}

func withExemplar(value int64) func(*Window) { return func(w *Window) { w.Exemplar = value } }

func isUnrecorded(w *Window) { w.Unrecorded = true }

func ofOtherStream(w *Window) { w.Stream = otherExampleStream }

func lagOfFiveMinutes(s *Scenario) { s.MaxLag = 5 * time.Minute }

// scenario is the example with the settings of all examples: no max_lag, so that times show as clients sent them.
func (e *example) scenario() *Scenario {
	s := &Scenario{Name: e.class, MaxStale: 24 * time.Hour, MaxStreams: 1000, Requests: e.requests, Rest: 2500 * time.Millisecond}
	if e.change != nil {
		e.change(s)
	}
	return s
}

// shown writes what a processor delivered: `value@second`, in order, stream by stream. A value that carries the flag
// NO_RECORDED_VALUE is marked with !, its exemplar stands in brackets.
func shown(r record) string {
	streams := map[string][]string{}
	hollow := ""
	for _, moment := range slices.Sorted(maps.Keys(r)) {
		if r[moment].refused {
			continue
		}
		if r[moment].hollow > 0 {
			hollow = "a resource"
		}
		for key, outputs := range r[moment].streams {
			for _, output := range outputs {
				streams[key] = append(streams[key], showOutput(output))
			}
		}
	}
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(streams)) {
		texts = append(texts, streamLabel(key)+strings.Join(streams[key], ", "))
	}
	if hollow != "" {
		texts = append(texts, hollow)
	}
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.Join(texts, "; ")
}

func streamLabel(key string) string {
	switch key {
	case exampleStream.key(), explicitExampleStream.key(), exponentialExampleStream.key():
		return ""
	case otherExampleStream.key():
		return "second stream: "
	case exampleStream.overflowKey():
		return "overflow: "
	}
	return key + ": "
}

func showOutput(o Output) string {
	value := fmt.Sprintf("%d", o.Value.Int)
	if o.Value.isDouble() {
		value = fmt.Sprintf("%v", o.Value.Double)
	} else if o.Value.isEmpty() {
		value = "none"
	} else if o.Value.isDistribution() {
		value = o.Value.String()
	}
	if o.Unrecorded {
		value += "!"
	}
	if len(o.Exemplars) > 0 {
		value += fmt.Sprint(o.Exemplars)
	}
	second := "0"
	if o.Time != 0 {
		second = fmt.Sprint(float64(int64(o.Time)-begin.UnixNano()) / 1e9)
	}
	return value + "@" + second
}
