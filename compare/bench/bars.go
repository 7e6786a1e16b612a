package main

import "fmt"

// Bar is one figure that the design demands, with what was measured.
type Bar struct {
	What     string  `json:"what"`
	Unit     string  `json:"unit"`
	Demanded float64 `json:"demanded"`
	Measured float64 `json:"measured"`
	// AtLeast means that more is better.
	AtLeast bool `json:"at_least"`
	Met     bool `json:"met"`
}

// bars holds the results against the bars of the design. A bar without its measurement is left out, as with --quick.
func bars(r *Results) []Bar {
	var found []Bar
	add := func(what, unit string, demanded, measured float64, atLeast bool) {
		met := measured <= demanded
		if atLeast {
			met = measured >= demanded
		}
		found = append(found, Bar{what, unit, demanded, measured, atLeast, met})
	}
	for _, w := range r.Warm {
		own, rival := median(of(w.Ours, wallTime)), median(of(w.Contrib, wallTime))
		requests := "new requests"
		if w.Reused {
			requests = "reused requests"
		}
		warm := w.Batch == 1000 && w.Goroutines == 1 && w.Streams == 1_000 && !w.Random
		switch {
		case warm && w.Shape == plain:
			add("whole call, 10 attributes, warm, batches of 1000, "+requests, "ns per point", 250, own, false)
			add("the same against contrib, in the same run, "+requests, "times faster", 5, rival/own, true)
		case warm && w.Shape == asPrometheus:
			add("the same with `identity: prometheus`, "+requests, "ns per point", 250, own, false)
			add("that against contrib, in the same run, "+requests, "times faster", 5, rival/own, true)
		case warm && w.Shape == trimmed:
			add("whole call with 10 attributes trimmed to 3, warm, batches of 1000, "+requests, "ns per point", 400, own, false)
			add("the same against contrib's chain, in the same run, "+requests, "times faster", 8, rival/own, true)
		case w.Shape == plain && w.Batch == 1000 && w.Goroutines == 1 && w.Streams == 1_000_000 && w.Random:
			add("1,000,000 streams in random order", "ns per point", 600, own, false)
		}
	}
	for _, m := range r.Memory {
		switch {
		case m.Subject != ours:
		case m.Shape == plain:
			add("state (128) and attribute-set record (96) of a stream, tables included", "B per stream", 224, m.StateBytes, false)
			add("objects for Go's collector", "objects per stream", 0.01, m.HeapObjects, false)
		case m.Shape == trimmed:
			add("state of a stream that is trimmed into another, with its share of that one", "B per stream", 320, m.StateBytes, false)
		case m.Shape == asPrometheus:
			add("state of a stream on both levels (`identity: prometheus`), record and tables included", "B per stream", 320, m.StateBytes, false)
		}
	}
	r.pricingBars(add)
	r.ledgerBars(add)
	var longest, longestCPU []float64
	for _, s := range r.Stalls {
		if s.Subject == ours && !s.Collector {
			longest, longestCPU = append(longest, float64(s.Wall.Max)/1e6), append(longestCPU, float64(s.CPU.Max)/1e6)
		}
	}
	if len(longest) > 0 {
		what := fmt.Sprintf("longest call while growing to %s streams, median of %d runs (its CPU time: %s ms)",
			grouped(r.Stalls[0].Streams), len(longest), short(median(longestCPU)))
		add(what, "ms", 5, median(longest), false)
	}
	return found
}

// verdict says whether a bar is met, and by how much it is missed.
func (b Bar) verdict() string {
	if b.Met {
		return "met"
	}
	off := b.Measured/b.Demanded - 1
	if b.AtLeast {
		off = 1 - b.Measured/b.Demanded
	}
	return fmt.Sprintf("**missed by %.0f %%**", 100*off)
}

func (b Bar) demand() string {
	sign := "≤"
	if b.AtLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %s %s", sign, short(b.Demanded), b.Unit)
}

// short writes three digits or so.
func short(value float64) string {
	switch {
	case value == 0 || value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 1:
		return fmt.Sprintf("%.3g", value)
	}
	return fmt.Sprintf("%.2g", value)
}

// grouped writes 1000000 as 1,000,000.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
