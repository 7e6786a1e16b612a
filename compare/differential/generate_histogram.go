package differential

import (
	"math"
	"slices"
)

// boundSets are bounds that clients have; some share a few.
var boundSets = [][]float64{{1, 5, 10}, {5, 10, 20, 50}, {2, 4}}

// thresholds are zero thresholds.
var thresholds = []float64{0, 0.05, 0.3, 0.7}

// histogram makes the next distribution of a client.
func (g *generator) histogram(w *writer) Value {
	d := Distribution{}
	if w.stream.Histogram == exponentialHistogram {
		g.fillExponential(&d)
	} else {
		if g.hazards.boundsChange && g.one(3) {
			w.bounds = g.random.IntN(len(boundSets))
		}
		d.Bounds = boundSets[w.bounds]
		d.Counts = g.counts(len(d.Bounds) + 1)
		d.Count = sumOf(d.Counts)
	}
	g.summarise(&d)
	if g.hazards.emptyHistogram && g.one(3) {
		d = Distribution{Exponential: d.Exponential, Scale: d.Scale, ZeroThreshold: d.ZeroThreshold, Bounds: d.Bounds, Counts: make([]uint64, len(d.Counts))}
		if g.one(2) {
			d.Bounds, d.Counts = nil, nil
		}
	}
	return distribution(d)
}

// fillExponential invents exponential buckets, all above the zero threshold.
func (g *generator) fillExponential(d *Distribution) {
	d.Exponential, d.Scale = true, 3
	if g.hazards.scaleChange {
		d.Scale = int32(g.random.IntN(6))
	}
	lowest, spread, buckets := int32(-8), 16, 1+g.random.IntN(12)
	if g.hazards.wide {
		lowest, spread, buckets = -250, 400, 1+g.random.IntN(300)
	}
	if g.hazards.thresholds {
		d.ZeroThreshold = thresholds[g.random.IntN(len(thresholds))]
	}
	if d.ZeroThreshold > 0 {
		lowest = max(lowest, int32(math.Ceil(math.Log2(d.ZeroThreshold)*math.Exp2(float64(d.Scale)))))
	}
	d.ZeroCount = g.random.Uint64N(3)
	d.Positive = Side{lowest + g.random.Int32N(int32(spread)), g.counts(buckets)}
	if g.one(3) {
		d.Negative = Side{lowest + g.random.Int32N(int32(spread)), g.counts(1 + g.random.IntN(buckets))}
	}
	d.Count = d.ZeroCount + sumOf(d.Positive.Counts) + sumOf(d.Negative.Counts)
}

func (g *generator) counts(buckets int) []uint64 {
	counts := make([]uint64, buckets)
	for i := range counts {
		counts[i] = g.random.Uint64N(4)
	}
	return counts
}

// summarise adds what a client says of all observations. What it says need not agree with the buckets: nobody compares.
func (g *generator) summarise(d *Distribution) {
	sum := float64(g.random.Int64N(1_000_000_000))
	if g.one(4) {
		sum /= 1e6
	}
	low, high := float64(g.random.IntN(10)), float64(10+g.random.IntN(1000))
	if !g.hazards.noSummary || !g.one(4) {
		d.Sum = &sum
	}
	if d.Count > 0 && (!g.hazards.noSummary || !g.one(4)) {
		d.Min, d.Max = &low, &high
	}
}

// spoilHistogram gives a window of a histogram one of the faults of the scenario, now and then.
func (g *generator) spoilHistogram(window *Window) {
	h, d := &g.hazards, *window.Value.Distribution
	faults := []struct {
		on    bool
		apply func()
	}{
		{h.noStart, func() { window.Start = 0 }},
		{h.startAfterTime, func() { window.Start = window.Time + uint64(3600e9) }},
		{h.noTime, func() { window.Time = 0 }},
		{h.notANumber, func() {
			sum := []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[g.random.IntN(3)]
			d.Sum = &sum
		}},
		{h.unrecorded, func() {
			window.Unrecorded = true
			if g.one(2) {
				d = Distribution{Exponential: d.Exponential}
			}
		}},
		{h.bigDoubles, func() {
			sum := math.MaxFloat64 * 0.75
			d.Sum = &sum
		}},
		{h.bigCounts, func() {
			side := &d.Counts
			if d.Exponential {
				side = &d.Positive.Counts
			}
			if len(*side) == 0 {
				return
			}
			*side = slices.Clone(*side)
			d.Count -= (*side)[0]
			(*side)[0] = math.MaxUint64/3*2 - g.random.Uint64N(1000)
			d.Count += (*side)[0]
		}},
		{h.malformed && !d.Exponential && len(d.Counts) > 1, func() {
			if g.one(2) {
				d.Counts = d.Counts[:len(d.Counts)-1]
			} else {
				d.Bounds = slices.Clone(d.Bounds)
				slices.Reverse(d.Bounds)
			}
		}},
	}
	for _, fault := range faults {
		if fault.on && g.one(4) {
			fault.apply()
			window.Value = distribution(d)
			return
		}
	}
}
