package differential

import (
	"fmt"
	"time"
)

// Point is a window on its way through both processors, with what became of it in each. contribReplay and
// ledgerReplay fill it in; classes read it.
type Point struct {
	Window
	// Request and At say with which request it came.
	Request int
	At      time.Duration

	// Fate says whether the point belongs into the total.
	Fate fate
	// Ours and Contrib say what either processor made of it.
	Ours    oursFate
	Contrib contribFate
}

// fate is what rules D3, D8 and D9 say about a point.
type fate int

const (
	// counted points are added to their stream.
	counted fate = iota
	// again points were counted before, but longer ago than D3 remembers, and are counted again.
	again
	// repeated points were counted before (D3).
	repeated
	// notANumber points are NaN or infinite (D8).
	notANumber
	// negative points would let a monotonic sum fall (D8).
	negative
	// unrecorded points carry NO_RECORDED_VALUE (D9).
	unrecorded
	// tooLarge points would make the total infinite.
	tooLarge
	// tooMany points would make a count more than 64 bits.
	tooMany
	// malformed histograms have bounds that do not increase, or a wrong number of buckets.
	malformed
)

// adds tells whether the point is part of the total.
func (f fate) adds() bool { return f == counted || f == again }

// oursFate is what token_ledger makes of a point.
type oursFate struct {
	// zero and value are what went out with the point's own request, if anything.
	zero, value *Output
	// held says why no value went out though the point is counted.
	held holdReason
	// ahead is the point whose output time this one does not pass, if it was a point.
	ahead *Point
	// first is the point that began the stream.
	first *Point
	// double says why the stream is a double.
	double doubleReason
	// clamped means that the output time is not the point's own (D4).
	clamped bool
}

// holdReason is why a counted point does not go out with its own request; 0 if it does.
type holdReason int

const (
	_ holdReason = iota
	// heldNoRoom: the stream's zero took the only possible time (D6).
	heldNoRoom
	// heldBeforeBegin: nothing goes out at or before the start of the engine (D6).
	heldBeforeBegin
	// heldAfterTick: a tick used a later time, 1 ms after the last (D4).
	heldAfterTick
	// heldRefusedZero: the stream's zero was refused and goes first (L4).
	heldRefusedZero
	// heldBehind: another point's output has this time or a later one (D4).
	heldBehind
)

// doubleReason is why a stream's total is a double.
type doubleReason int

const (
	notDouble doubleReason = iota
	doubleFirst
	doubleMixed
	doubleOverflow
)

// contribFate is what contrib's processor makes of a point.
type contribFate struct {
	// value is what goes out; nil if the point is dropped, then drop says why.
	value *Output
	drop  dropReason
	// reset means that the point replaced the state, and rebound that it did so because its bounds differ.
	reset, rebound bool
	// before and after are the accumulated value.
	before, after Value
	// first began the state, last set its time, spoiler made it NaN or infinite.
	first, last, spoiler *Point
}

// dropReason is why contrib's processor drops a point.
type dropReason int

const (
	notDropped dropReason = iota
	dropLimit
	dropOlderStart
	dropOutOfOrder
)

// fingerprint tells windows apart, as D3 does.
func (w *Window) fingerprint() string {
	return fmt.Sprintf("%s|%d|%d|%s", w.Stream.key(), w.Start, w.Time, w.Value.bits())
}

// usable applies D8 and D9: what no sum can take has a fate of its own.
func (w *Window) usable() fate {
	switch {
	case w.Unrecorded || w.Value.isEmpty():
		return unrecorded
	case w.Value.isDistribution() && !w.Value.Distribution.isWellFormed():
		return malformed
	case !w.Value.isFinite():
		return notANumber
	case w.Stream.Monotonic && w.Value.isNegative():
		return negative
	}
	return counted
}

func (p *Point) String() string {
	return fmt.Sprintf("request %d at %s: %s over %s..%s (unrecorded=%t exemplar=%d)",
		p.Request, p.At, p.Value, timeText(p.Start), timeText(p.Time), p.Unrecorded, p.Exemplar)
}

// points lists a scenario's windows as both replays take them.
func points(s *Scenario) [][]*Point {
	requests := make([][]*Point, len(s.Requests))
	for i := range s.Requests {
		for _, window := range s.Requests[i].Windows {
			requests[i] = append(requests[i], &Point{Window: window, Request: i, At: s.Requests[i].At})
		}
	}
	return requests
}

// forgets tells whether all streams are forgotten between a request and the one before it (L1). Scenarios leave no
// doubt: pauses are much shorter or much longer than max_stale.
func (s *Scenario) forgets(request int) bool {
	return request > 0 && s.Requests[request].At-s.Requests[request-1].At > s.MaxStale
}
