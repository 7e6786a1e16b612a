package main

import (
	"fmt"
	"slices"
	"time"
)

// Spread summarises many durations, in nanoseconds.
type Spread struct {
	Calls  int   `json:"calls"`
	P50    int64 `json:"p50_ns"`
	P99    int64 `json:"p99_ns"`
	P999   int64 `json:"p999_ns"`
	Max    int64 `json:"max_ns"`
	Second int64 `json:"second_ns"`
}

// spreadOf sorts the durations in place.
func spreadOf(durations []int64) Spread {
	if len(durations) == 0 {
		return Spread{}
	}
	slices.Sort(durations)
	n := len(durations)
	rank := func(share float64) int64 { return durations[min(int(share*float64(n)), n-1)] }
	return Spread{Calls: n, P50: rank(0.5), P99: rank(0.99), P999: rank(0.999), Max: durations[n-1], Second: durations[max(n-2, 0)]}
}

// of picks one figure of each round.
func of(rounds []Round, figure func(Round) float64) []float64 {
	values := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		values = append(values, figure(r))
	}
	return values
}

func wallTime(r Round) float64    { return r.Nanos }
func cpuTime(r Round) float64     { return r.CPUNanos }
func allocations(r Round) float64 { return r.Allocations }

// median returns 0 for no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// withRange writes the median with minimum and maximum.
func withRange(values []float64) string {
	return fmt.Sprintf("%.0f (%.0f–%.0f)", median(values), slices.Min(values), slices.Max(values))
}

// readable writes a duration in three digits or so.
func readable(nanos int64) string {
	d := time.Duration(nanos)
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.2f ms", float64(d)/1e6)
}
