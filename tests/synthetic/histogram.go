package synthetic

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Explicit is what a client with explicit bounds has observed. All observations are whole numbers, so that sums are
// exact.
type Explicit struct {
	Bounds []float64
	// Counts has one place more than Bounds.
	Counts []uint64
	Sum    float64
}

// NewExplicit is nothing observed yet.
func NewExplicit(bounds ...float64) Explicit {
	return Explicit{Bounds: bounds, Counts: make([]uint64, len(bounds)+1)}
}

// Observe adds observations. A bucket holds what is at most its bound.
func (h *Explicit) Observe(values ...float64) {
	for _, value := range values {
		place := 0
		for place < len(h.Bounds) && value > h.Bounds[place] {
			place++
		}
		h.Counts[place]++
		h.Sum += value
	}
}

// Count is the number of observations.
func (h *Explicit) Count() uint64 { return total(h.Counts) }

// Explicit adds a point of a histogram with explicit bounds.
func (r *Request) Explicit(metric string, temporality pmetric.AggregationTemporality, w Window, h Explicit, attributes ...string) *Request {
	m := r.metrics.AppendEmpty()
	m.SetName(metric)
	histogram := m.SetEmptyHistogram()
	histogram.SetAggregationTemporality(temporality)
	point := histogram.DataPoints().AppendEmpty()
	r.fill(point, w, attributes)
	point.SetCount(h.Count())
	point.SetSum(h.Sum)
	point.ExplicitBounds().FromRaw(h.Bounds)
	point.BucketCounts().FromRaw(h.Counts)
	return r
}

// Exponential is what a client with exponential buckets has observed at a scale: bucket i holds what is greater than
// base^i and at most base^(i+1), where base is 2^(2^-scale).
type Exponential struct {
	Scale  int32
	Zeros  uint64
	Counts map[int]uint64 // of positive observations, by bucket
	Sum    float64
}

// Observe adds one observation in the middle of a bucket of scale `at`, which must not be coarser than the histogram.
func (h *Exponential) Observe(at int32, bucket int) {
	if h.Counts == nil {
		h.Counts = map[int]uint64{}
	}
	h.Counts[bucket>>(at-h.Scale)]++
	h.Sum += Middle(at, bucket)
}

// Middle is the value in the middle of a bucket, rounded up to a whole 1024th so that sums are exact.
func Middle(scale int32, bucket int) float64 {
	value := math.Exp2((float64(bucket) + 0.5) / math.Exp2(float64(scale)))
	return math.Ceil(value*1024) / 1024
}

// At returns the histogram at a coarser scale.
func (h *Exponential) At(scale int32) map[int]uint64 {
	out := map[int]uint64{}
	for bucket, count := range h.Counts {
		out[bucket>>(h.Scale-scale)] += count
	}
	return out
}

// Count is the number of observations.
func (h *Exponential) Count() uint64 {
	count := h.Zeros
	for _, n := range h.Counts {
		count += n
	}
	return count
}

// Exponential adds a point of a histogram with exponential buckets.
func (r *Request) Exponential(metric string, temporality pmetric.AggregationTemporality, w Window, h Exponential, attributes ...string) *Request {
	m := r.metrics.AppendEmpty()
	m.SetName(metric)
	histogram := m.SetEmptyExponentialHistogram()
	histogram.SetAggregationTemporality(temporality)
	point := histogram.DataPoints().AppendEmpty()
	r.fill(point, w, attributes)
	point.SetScale(h.Scale)
	point.SetCount(h.Count())
	point.SetZeroCount(h.Zeros)
	point.SetSum(h.Sum)
	if len(h.Counts) == 0 {
		return r
	}
	lowest, highest := math.MaxInt, math.MinInt
	for bucket := range h.Counts {
		lowest, highest = min(lowest, bucket), max(highest, bucket)
	}
	counts := make([]uint64, highest-lowest+1)
	for bucket, count := range h.Counts {
		counts[bucket-lowest] = count
	}
	point.Positive().SetOffset(int32(lowest))
	point.Positive().BucketCounts().FromRaw(counts)
	return r
}

func total(counts []uint64) uint64 {
	sum := uint64(0)
	for _, count := range counts {
		sum += count
	}
	return sum
}
