package differential

import (
	"fmt"
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Distribution is the value of a histogram data point, explicit or exponential.
type Distribution struct {
	Count         uint64
	Sum, Min, Max *float64 // nil where the client leaves it out

	// Bounds and Counts are those of explicit buckets.
	Bounds []float64
	Counts []uint64

	// Exponential tells that the buckets are exponential, and the rest is theirs.
	Exponential        bool
	Scale              int32
	ZeroCount          uint64
	ZeroThreshold      float64
	Positive, Negative Side
}

// Side are the buckets of one sign of an exponential histogram.
type Side struct {
	Offset int32
	Counts []uint64
}

func distribution(d Distribution) Value { return Value{Kind: distributionValue, Distribution: &d} }

// explicitValue is a histogram of observations between bounds, with a sum.
func explicitValue(bounds []float64, sum float64, counts ...uint64) Value {
	return distribution(Distribution{Count: sumOf(counts), Sum: &sum, Bounds: bounds, Counts: counts})
}

// exponentialValue is a histogram of positive observations with exponential buckets, without a sum.
func exponentialValue(scale, offset int32, counts ...uint64) Value {
	return distribution(Distribution{Count: sumOf(counts), Exponential: true, Scale: scale, Positive: Side{offset, counts}})
}

func sumOf(counts []uint64) uint64 {
	sum := uint64(0)
	for _, count := range counts {
		sum += count
	}
	return sum
}

// putExplicit and putExponential write the value into a data point.
func (d *Distribution) putExplicit(point pmetric.HistogramDataPoint) {
	point.SetCount(d.Count)
	point.ExplicitBounds().FromRaw(d.Bounds)
	point.BucketCounts().FromRaw(d.Counts)
	setOptional(d.Sum, point.SetSum)
	setOptional(d.Min, point.SetMin)
	setOptional(d.Max, point.SetMax)
}

func (d *Distribution) putExponential(point pmetric.ExponentialHistogramDataPoint) {
	point.SetCount(d.Count)
	point.SetScale(d.Scale)
	point.SetZeroCount(d.ZeroCount)
	point.SetZeroThreshold(d.ZeroThreshold)
	point.Positive().SetOffset(d.Positive.Offset)
	point.Positive().BucketCounts().FromRaw(d.Positive.Counts)
	point.Negative().SetOffset(d.Negative.Offset)
	point.Negative().BucketCounts().FromRaw(d.Negative.Counts)
	setOptional(d.Sum, point.SetSum)
	setOptional(d.Min, point.SetMin)
	setOptional(d.Max, point.SetMax)
}

func setOptional(value *float64, set func(float64)) {
	if value != nil {
		set(*value)
	}
}

func explicitOf(point pmetric.HistogramDataPoint) Value {
	return distribution(Distribution{
		Count: point.Count(), Bounds: point.ExplicitBounds().AsRaw(), Counts: point.BucketCounts().AsRaw(),
		Sum: optional(point.HasSum(), point.Sum()), Min: optional(point.HasMin(), point.Min()), Max: optional(point.HasMax(), point.Max()),
	})
}

func exponentialOf(point pmetric.ExponentialHistogramDataPoint) Value {
	return distribution(Distribution{
		Count: point.Count(), Exponential: true, Scale: point.Scale(), ZeroCount: point.ZeroCount(), ZeroThreshold: point.ZeroThreshold(),
		Positive: Side{point.Positive().Offset(), point.Positive().BucketCounts().AsRaw()},
		Negative: Side{point.Negative().Offset(), point.Negative().BucketCounts().AsRaw()},
		Sum:      optional(point.HasSum(), point.Sum()), Min: optional(point.HasMin(), point.Min()), Max: optional(point.HasMax(), point.Max()),
	})
}

func optional(there bool, value float64) *float64 {
	if !there {
		return nil
	}
	return &value
}

// isWellFormed tells whether the buckets are what OTLP demands: bounds that increase, and one bucket more, or none of
// either.
func (d *Distribution) isWellFormed() bool {
	if d.Exponential || len(d.Bounds) == 0 && len(d.Counts) == 0 {
		return true
	}
	for i := range d.Bounds {
		if i > 0 && d.Bounds[i] <= d.Bounds[i-1] {
			return false
		}
	}
	return len(d.Counts) == len(d.Bounds)+1
}

// isFinite is false if the sum is NaN or infinite.
func (d *Distribution) isFinite() bool {
	return d.Sum == nil || !math.IsNaN(*d.Sum) && !math.IsInf(*d.Sum, 0)
}

// saysNothing tells of points that carry neither observations nor buckets: they change no total.
func (d *Distribution) saysNothing() bool {
	return d.Count == 0 && len(d.Bounds) == 0 && len(d.Counts) == 0 && d.ZeroCount == 0
}

// bits writes everything, so that it tells windows apart (D3b).
func (d *Distribution) bits() string {
	return fmt.Sprint(d, d.Bounds, d.Counts, d.Positive, d.Negative)
}

// String writes a distribution for readers. Buckets are named by their bounds or indexes.
func (d *Distribution) String() string {
	var parts []string
	add := func(format string, arguments ...any) { parts = append(parts, fmt.Sprintf(format, arguments...)) }
	for _, o := range []struct {
		name  string
		value *float64
	}{{"sum", d.Sum}, {"min", d.Min}, {"max", d.Max}} {
		if o.value != nil {
			add("%s %v", o.name, *o.value)
		}
	}
	if d.Exponential {
		add("scale %d", d.Scale)
		if d.ZeroCount != 0 || d.ZeroThreshold != 0 {
			add("≤%v: %d", d.ZeroThreshold, d.ZeroCount)
		}
		d.Positive.describe("", add)
		d.Negative.describe("−", add)
	} else {
		for i, count := range d.Counts {
			if i < len(d.Bounds) {
				add("≤%v: %d", d.Bounds[i], count)
			} else {
				add("more: %d", count)
			}
		}
		if len(d.Counts) < len(d.Bounds) {
			add("of %d bounds", len(d.Bounds))
		}
	}
	return fmt.Sprintf("%d{%s}", d.Count, strings.Join(parts, "; "))
}

// describe writes the buckets of a side: one by one, or the first and last of many.
func (s Side) describe(sign string, add func(string, ...any)) {
	if len(s.Counts) > 8 {
		add("%d buckets from %s%d to %s%d", len(s.Counts), sign, s.Offset, sign, int(s.Offset)+len(s.Counts)-1)
		return
	}
	for i, count := range s.Counts {
		add("%s%d: %d", sign, int(s.Offset)+i, count)
	}
}
