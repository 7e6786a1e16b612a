package differential

import (
	"fmt"
	"math"
	"math/big"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Value is the value of a number data point.
type Value struct {
	Kind   pmetric.NumberDataPointValueType
	Int    int64
	Double float64
}

func integer(value int64) Value {
	return Value{Kind: pmetric.NumberDataPointValueTypeInt, Int: value}
}

func double(value float64) Value {
	return Value{Kind: pmetric.NumberDataPointValueTypeDouble, Double: value}
}

func valueOf(point pmetric.NumberDataPoint) Value {
	return Value{Kind: point.ValueType(), Int: point.IntValue(), Double: point.DoubleValue()}
}

func (v Value) put(point pmetric.NumberDataPoint) {
	switch v.Kind {
	case pmetric.NumberDataPointValueTypeInt:
		point.SetIntValue(v.Int)
	case pmetric.NumberDataPointValueTypeDouble:
		point.SetDoubleValue(v.Double)
	}
}

func (v Value) isInt() bool { return v.Kind == pmetric.NumberDataPointValueTypeInt }

func (v Value) isDouble() bool { return v.Kind == pmetric.NumberDataPointValueTypeDouble }

func (v Value) isEmpty() bool { return v.Kind == pmetric.NumberDataPointValueTypeEmpty }

// isFinite is false for NaN and infinities alone.
func (v Value) isFinite() bool {
	return !v.isDouble() || !math.IsNaN(v.Double) && !math.IsInf(v.Double, 0)
}

func (v Value) isNegative() bool { return v.Int < 0 || v.Double < 0 }

// float is the value as a float, rounded where an integer has more than 53 bits.
func (v Value) float() float64 {
	if v.isInt() {
		return float64(v.Int)
	}
	return v.Double
}

// bits are the eight bytes of the value, which are part of what tells windows apart (D3b).
func (v Value) bits() uint64 {
	if v.isInt() {
		return uint64(v.Int)
	}
	return math.Float64bits(v.Double)
}

// same compares two values bit by bit.
func (v Value) same(other Value) bool { return v.Kind == other.Kind && v.bits() == other.bits() }

func (v Value) String() string {
	switch {
	case v.isInt():
		return fmt.Sprintf("%d", v.Int)
	case v.isDouble():
		return fmt.Sprintf("%gf", v.Double)
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
	rounded, _ := e.sum.Float64()
	return !math.IsInf(rounded, 0)
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

func (e exact) String() string { return e.sum.Text('g', 20) }
