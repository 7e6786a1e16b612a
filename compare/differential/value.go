package differential

import (
	"fmt"
	"math"
	"math/big"
	"slices"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Value is the value of a data point.
type Value struct {
	Kind         valueKind
	Int          int64
	Double       float64
	Distribution *Distribution
}

// valueKind is which of the fields holds the value.
type valueKind int

const (
	noValue valueKind = iota
	integerValue
	doubleValue
	distributionValue
)

func integer(value int64) Value { return Value{Kind: integerValue, Int: value} }

func double(value float64) Value { return Value{Kind: doubleValue, Double: value} }

func valueOf(point pmetric.NumberDataPoint) Value {
	switch point.ValueType() {
	case pmetric.NumberDataPointValueTypeInt:
		return integer(point.IntValue())
	case pmetric.NumberDataPointValueTypeDouble:
		return double(point.DoubleValue())
	}
	return Value{}
}

func (v Value) put(point pmetric.NumberDataPoint) {
	switch v.Kind {
	case integerValue:
		point.SetIntValue(v.Int)
	case doubleValue:
		point.SetDoubleValue(v.Double)
	}
}

func (v Value) isInt() bool { return v.Kind == integerValue }

func (v Value) isDouble() bool { return v.Kind == doubleValue }

func (v Value) isEmpty() bool { return v.Kind == noValue }

// isDistribution tells histograms from numbers.
func (v Value) isDistribution() bool { return v.Kind == distributionValue }

// isFinite is false for NaN and infinities alone, and for histograms with such a sum.
func (v Value) isFinite() bool {
	if v.isDistribution() {
		return v.Distribution.isFinite()
	}
	return !v.isDouble() || !math.IsNaN(v.Double) && !math.IsInf(v.Double, 0)
}

func (v Value) isNegative() bool { return v.Int < 0 || v.Double < 0 }

// float is the value as a float, rounded where an integer has more than 53 bits; the count of a histogram.
func (v Value) float() float64 {
	if v.isDistribution() {
		return float64(v.Distribution.Count)
	}
	if v.isInt() {
		return float64(v.Int)
	}
	return v.Double
}

// bits are the bytes of the value, which are part of what tells windows apart (D3b).
func (v Value) bits() string {
	switch {
	case v.isDistribution():
		return v.Distribution.bits()
	case v.isInt():
		return fmt.Sprintf("%x", uint64(v.Int))
	case math.IsNaN(v.Double):
		return "NaN" // which of its many bit patterns a sum has depends on the order of the machine's operands
	}
	return fmt.Sprintf("%x", math.Float64bits(v.Double))
}

// same compares two values bit by bit.
func (v Value) same(other Value) bool { return v.Kind == other.Kind && v.bits() == other.bits() }

func (v Value) String() string {
	switch {
	case v.isInt():
		return fmt.Sprintf("%d", v.Int)
	case v.isDouble():
		return fmt.Sprintf("%gf", v.Double)
	case v.isDistribution():
		return v.Distribution.String()
	}
	return "none"
}

// exactBits is enough for any sum of finite floats and integers without rounding: floats reach from 2^-1074 to 2^1024.
const exactBits = 2200

// exact is a sum without rounding, with what is needed to judge a rounded one.
type exact struct {
	sum *big.Float
	// magnitude is the sum of the absolute values, terms is how many there were.
	magnitude float64
	terms     int
	// points are the windows of a histogram; the rest is then of no meaning but terms.
	points []*Distribution
}

func newExact() exact { return exact{sum: newBig(0)} }

func newBig(value float64) *big.Float { return new(big.Float).SetPrec(exactBits).SetFloat64(value) }

// big is the value as an exact number; it must be finite.
func (v Value) big() *big.Float {
	if v.isInt() {
		return newBig(0).SetInt64(v.Int)
	}
	return newBig(v.Double)
}

// plus returns the sum with a finite value added.
func (e exact) plus(v Value) exact {
	if v.isDistribution() {
		return exact{sum: e.sum, terms: e.terms + 1, points: append(slices.Clone(e.points), v.Distribution)}
	}
	return exact{
		sum:       newBig(0).Add(e.sum, v.big()),
		magnitude: e.magnitude + math.Abs(v.float()),
		terms:     e.terms + 1,
	}
}

// addExact adds up sums.
func addExact(sums ...exact) exact {
	total := newExact()
	for _, e := range sums {
		total.sum = newBig(0).Add(total.sum, e.sum)
		total.magnitude += e.magnitude
		total.terms += e.terms
		total.points = append(total.points, e.points...)
	}
	return total
}

// fitsInt tells whether the sum is a number that an int64 holds.
func (e exact) fitsInt() bool {
	_, accuracy := e.sum.Int64()
	return accuracy == big.Exact
}

// fitsDouble tells whether the sum, rounded to a float, is finite.
func (e exact) fitsDouble() bool {
	if len(e.points) > 0 {
		return e.sumOfSums().fitsDouble()
	}
	rounded, _ := e.sum.Float64()
	return !math.IsInf(rounded, 0)
}

// sumOfSums is the sum of a histogram's observations, 0 if it is unknown because a point left it out.
func (e exact) sumOfSums() exact {
	sum := newExact()
	for _, d := range e.points {
		switch {
		case d.Sum != nil:
			sum = sum.plus(double(*d.Sum))
		case d.Count > 0:
			return newExact()
		}
	}
	return sum
}

// fitsCounts tells whether the count of a histogram, and its buckets together, fit 64 bits.
func (e exact) fitsCounts() bool {
	count, buckets := uint64(0), uint64(0)
	for _, d := range e.points {
		inBuckets := sumOf(d.Counts) + sumOf(d.Positive.Counts) + sumOf(d.Negative.Counts) + d.ZeroCount
		if count+d.Count < count || buckets+inBuckets < buckets {
			return false
		}
		count, buckets = count+d.Count, buckets+inBuckets
	}
	return true
}

// epsilon is the relative distance of neighbouring floats.
const epsilon = 0x1p-52

// isSumOf tells whether values add up to this sum: integers exactly; doubles within what compensated summations
// promise, one rounding of each result and second-order errors of the terms. This is the only tolerance of the package.
func (e exact) isSumOf(values []Value) bool {
	shown, rounding, rounded := newBig(0), 0.0, false
	for _, v := range values {
		if v.isEmpty() || !v.isFinite() {
			return false
		}
		shown.Add(shown, v.big())
		rounded = rounded || v.isDouble()
		rounding += 2 * epsilon * math.Abs(v.float())
	}
	off, _ := shown.Abs(shown.Sub(shown, e.sum)).Float64()
	if !rounded {
		return off == 0
	}
	return off <= rounding+4*float64(e.terms)*epsilon*epsilon*e.magnitude
}

// shownBy compares a sum with its total, or with the totals of several lives: numbers as isSumOf does, histograms window
// by window.
func (e exact) shownBy(values []Value) error {
	if len(e.points) == 0 && (len(values) == 0 || !values[0].isDistribution()) {
		if !e.isSumOf(values) {
			return fmt.Errorf("not the sum, %s", e)
		}
		return nil
	}
	var shown []*Distribution
	for _, v := range values {
		if !v.isDistribution() || !v.isFinite() {
			return fmt.Errorf("%s is no histogram with a finite sum", v)
		}
		shown = append(shown, v.Distribution)
	}
	if len(shown) == 1 {
		return showsAll(e.points, shown[0])
	}
	return shows(e.points, shown)
}

func (e exact) String() string {
	if len(e.points) > 0 {
		return fmt.Sprintf("the histogram of %v", e.points)
	}
	return e.sum.Text('g', 20)
}
