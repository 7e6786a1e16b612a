package differential

import (
	"fmt"
	"math"
	"slices"
)

// mostBuckets is how many buckets of one sign a total may have (D13).
const mostBuckets = 160

// shows checks that distributions together hold what points together observed: every count, in the bucket in which it
// belongs as far as the shown buckets tell apart. It knows nothing of how either processor adds. Points that say nothing
// are none.
func shows(points, shown []*Distribution) error {
	points = slices.DeleteFunc(slices.Clone(points), (*Distribution).saysNothing)
	shown = slices.DeleteFunc(slices.Clone(shown), (*Distribution).saysNothing)
	if len(points) == 0 {
		return nothing(shown)
	}
	want, got := uint64(0), uint64(0)
	for _, d := range points {
		want += d.Count
	}
	for _, d := range shown {
		got += d.Count
	}
	if want != got {
		return fmt.Errorf("count %d, should be %d", got, want)
	}
	if isExponential(points) || isExponential(shown) {
		return sameExponential(points, shown)
	}
	return sameExplicit(points, shown)
}

// nothing checks histograms of no observations.
func nothing(shown []*Distribution) error {
	for _, d := range shown {
		if d.Count != 0 || sumOf(d.Counts) != 0 || sumOf(d.Positive.Counts) != 0 || sumOf(d.Negative.Counts) != 0 || d.ZeroCount != 0 {
			return fmt.Errorf("%s, should be nothing", d)
		}
	}
	return nil
}

func isExponential(all []*Distribution) bool { return len(all) > 0 && all[0].Exponential }

// sameExplicit compares buckets at the bounds that all shown ones have.
func sameExplicit(points, shown []*Distribution) error {
	bounds := commonBounds(shown)
	if want := commonBounds(points); len(shown) == 1 && !slices.Equal(bounds, want) {
		return fmt.Errorf("bounds %v, should be %v", bounds, want)
	}
	if !haveBuckets(shown) {
		if haveBuckets(points) && len(shown) == 1 {
			return fmt.Errorf("no buckets")
		}
		return nil
	}
	want, got := make([]uint64, len(bounds)+1), make([]uint64, len(bounds)+1)
	for _, d := range points {
		d.addTo(want, bounds)
	}
	for _, d := range shown {
		d.addTo(got, bounds)
	}
	if !slices.Equal(want, got) {
		return fmt.Errorf("buckets %v at %v, should be %v", got, bounds, want)
	}
	return nil
}

func haveBuckets(all []*Distribution) bool {
	return !slices.ContainsFunc(all, func(d *Distribution) bool { return len(d.Counts) == 0 })
}

// commonBounds are the bounds that all have.
func commonBounds(all []*Distribution) []float64 {
	var common []float64
	for i, d := range all {
		if i == 0 {
			common = d.Bounds
		}
		common = slices.DeleteFunc(slices.Clone(common), func(b float64) bool { return !slices.Contains(d.Bounds, b) })
	}
	return common
}

// addTo adds the counts to coarser buckets.
func (d *Distribution) addTo(counts []uint64, bounds []float64) {
	for i, count := range d.Counts {
		bucket := len(bounds)
		if i < len(d.Bounds) {
			bucket, _ = slices.BinarySearch(bounds, d.Bounds[i])
		}
		counts[bucket] += count
	}
}

// sameExponential compares buckets at the coarsest shown scale, above the largest shown zero threshold.
func sameExponential(points, shown []*Distribution) error {
	scale, threshold := int32(math.MaxInt32), 0.0
	for _, d := range shown {
		scale, threshold = min(scale, d.Scale), math.Max(threshold, d.ZeroThreshold)
	}
	if len(shown) == 1 {
		for _, d := range points {
			if d.Scale < scale || d.ZeroThreshold > threshold {
				return fmt.Errorf("scale %d and zero threshold %v for a point with %d and %v", scale, threshold, d.Scale, d.ZeroThreshold)
			}
		}
	}
	want, got := map[bucket]uint64{}, map[bucket]uint64{}
	for _, d := range points {
		d.addAt(want, scale, threshold)
	}
	for _, d := range shown {
		d.addAt(got, scale, threshold)
	}
	for at, count := range want {
		if got[at] != count {
			return fmt.Errorf("bucket %v of scale %d has %d, should have %d", at, scale, got[at], count)
		}
	}
	for at, count := range got {
		if want[at] != count {
			return fmt.Errorf("bucket %v of scale %d has %d, should have %d", at, scale, count, want[at])
		}
	}
	return nil
}

// bucket names one bucket; sign 0 is the zero bucket.
type bucket struct {
	sign  int
	index int64
}

// addAt adds the counts to the buckets of a coarser scale. What lies below the zero threshold is zero.
func (d *Distribution) addAt(counts map[bucket]uint64, scale int32, threshold float64) {
	add := func(at bucket, count uint64) {
		if count > 0 {
			counts[at] += count
		}
	}
	add(bucket{}, d.ZeroCount)
	for sign, side := range map[int]Side{1: d.Positive, -1: d.Negative} {
		for i, count := range side.Counts {
			index := (int64(side.Offset) + int64(i)) >> (d.Scale - scale)
			if upperEdge(index, scale) <= threshold*(1+1e-9) {
				add(bucket{}, count)
			} else {
				add(bucket{sign, index}, count)
			}
		}
	}
}

// upperEdge is the largest value of a bucket.
func upperEdge(index int64, scale int32) float64 {
	return math.Exp2(float64(index+1) * math.Exp2(-float64(scale)))
}

// width is how many buckets a side has from its first to its last observation.
func (s Side) width() int {
	first := slices.IndexFunc(s.Counts, func(count uint64) bool { return count > 0 })
	if first < 0 {
		return 0
	}
	last := len(s.Counts) - 1
	for s.Counts[last] == 0 {
		last--
	}
	return last - first + 1
}

// isWide tells of more buckets than a total may have.
func (d *Distribution) isWide() bool {
	return d.Exponential && (d.Positive.width() > mostBuckets || d.Negative.width() > mostBuckets)
}

// finestScale is the finest scale at which points together need no more buckets than they may have. Points must agree
// about their zero threshold.
func finestScale(points []*Distribution) int32 {
	scale := int32(20) // the finest that the OpenTelemetry SDKs use
	for _, d := range points {
		scale = min(scale, d.Scale)
	}
	for ; ; scale-- {
		fits := true
		for _, side := range []func(*Distribution) Side{func(d *Distribution) Side { return d.Positive }, func(d *Distribution) Side { return d.Negative }} {
			lowest, highest := int64(math.MaxInt64), int64(math.MinInt64)
			for _, d := range points {
				for i, count := range side(d).Counts {
					if index := (int64(side(d).Offset) + int64(i)) >> (d.Scale - scale); count > 0 {
						lowest, highest = min(lowest, index), max(highest, index)
					}
				}
			}
			fits = fits && (lowest > highest || highest-lowest < mostBuckets)
		}
		if fits {
			return scale
		}
	}
}

// showsAll is shows for one total of a stream, whose sum, minimum and maximum are judged too, and its size.
func showsAll(points []*Distribution, total *Distribution) error {
	if err := shows(points, []*Distribution{total}); err != nil {
		return err
	}
	if total.isWide() {
		return fmt.Errorf("more than %d buckets", mostBuckets)
	}
	agree := !slices.ContainsFunc(points, func(d *Distribution) bool { return d.ZeroThreshold != points[0].ZeroThreshold })
	if total.Exponential && agree && total.Count > 0 && total.Scale != finestScale(points) {
		return fmt.Errorf("scale %d, should be %d", total.Scale, finestScale(points))
	}
	return sameSummary(points, total, true)
}

// sameSummary compares sum, minimum and maximum: absent where a point with observations leaves them out.
func sameSummary(points []*Distribution, total *Distribution, compensated bool) error {
	sum, terms, magnitude := newExact(), 0, 0.0
	hasSum, lowest, highest := true, math.Inf(1), math.Inf(-1)
	hasMin, hasMax := true, true
	for _, d := range points {
		if d.Sum != nil {
			sum = sum.plus(double(*d.Sum))
			terms, magnitude = terms+1, magnitude+math.Abs(*d.Sum)
		}
		if d.Count == 0 {
			continue
		}
		hasSum, hasMin, hasMax = hasSum && d.Sum != nil, hasMin && d.Min != nil, hasMax && d.Max != nil
		if d.Min != nil {
			lowest = math.Min(lowest, *d.Min)
		}
		if d.Max != nil {
			highest = math.Max(highest, *d.Max)
		}
	}
	if total.Count == 0 {
		return nil
	}
	if hasSum != (total.Sum != nil) || hasMin != (total.Min != nil) || hasMax != (total.Max != nil) {
		return fmt.Errorf("sum, min, max are there: %t %t %t, should be: %t %t %t",
			total.Sum != nil, total.Min != nil, total.Max != nil, hasSum, hasMin, hasMax)
	}
	if hasMin && *total.Min != lowest || hasMax && *total.Max != highest {
		return fmt.Errorf("min %v, max %v, should be %v, %v", *total.Min, *total.Max, lowest, highest)
	}
	switch {
	case !hasSum:
	case compensated && !sum.isSumOf([]Value{double(*total.Sum)}):
		return fmt.Errorf("sum %v, should be %s", *total.Sum, sum)
	case !compensated && newBig(*total.Sum).Cmp(sum.sum) != 0:
		return errRounded
	}
	return nil
}

// errRounded tells that everything is right but the last bits of a sum.
var errRounded = fmt.Errorf("the sum is rounded")
