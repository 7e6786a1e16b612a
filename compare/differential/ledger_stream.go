package differential

import (
	"slices"
	"time"
)

// ledgerStream is one stream of ledgerReplay. Times that end in milli are Unix milliseconds.
type ledgerStream struct {
	key      string
	overflow bool
	first    *Point
	start    uint64
	total    exact
	double   doubleReason
	// recent are the windows that are recognised, newest first; seen are all (D3b).
	recent []string
	seen   map[string]bool
	// lastMilli is the last emitted time, or the floor before; lastBy is the point that set it, nil for a zero, a
	// tick or the floor.
	lastMilli   uint64
	lastBy      *Point
	lastByTick  bool
	latestMilli uint64
	// zeroDue means that the stream's first output, a zero, is still to come (D6).
	zeroDue bool
	// beginsLate means that the zero had to wait for the floor and so came after the point it stands for.
	beginsLate bool
	// loneZero is the zero of the request at hand if no value goes out with it; unsentZero is one that was refused: it
	// comes again at the next tick, and no value before it (L4).
	loneZero, unsentZero *Output
	// emitted is what goes out with the request at hand.
	emitted []emission
	// pending is why something goes out at the next tick; empty if nothing does.
	pending []pendingCause
}

// emission is an output with its exact total.
type emission struct {
	point  *Point
	output *Output
	total  exact
}

// pendingCause is a point that makes a total go out at a tick.
type pendingCause struct {
	point *Point
	at    time.Duration
	why   pendingReason
}

// pendingReason is why a total goes out at a tick.
type pendingReason int

const (
	// pendingHeld: a point did not advance time (D4).
	pendingHeld pendingReason = iota
	// pendingNoRoom: the zero took the place (D6).
	pendingNoRoom
	// pendingRepeated: a window or request came again (D3).
	pendingRepeated
	// pendingRefused: the next consumer refused a delivery (L4).
	pendingRefused
)

func newLedgerStream(key string, p *Point, overflow bool, floor uint64) *ledgerStream {
	return &ledgerStream{
		key: key, overflow: overflow, first: p, start: windowStart(p), total: newExact(), seen: map[string]bool{},
		lastMilli: floor, zeroDue: p.Stream.Monotonic,
	}
}

// windowStart is the window's start, at its time where it is unknown or impossible (D1, D11).
func windowStart(p *Point) uint64 {
	end := p.Time
	if end == 0 {
		end = uint64(begin.Add(p.At).UnixNano())
	}
	if p.Start == 0 || p.Start > end {
		return end
	}
	return p.Start
}

// take adds a point and decides what goes out for it.
func (s *ledgerStream) take(p *Point, clock outputClock) {
	p.Ours.first = s.first
	if s.recognise(p); p.Fate == repeated {
		s.wait(pendingCause{point: p, why: pendingRepeated})
		return
	}
	if s.add(p); !p.Fate.adds() {
		return
	}
	out := clock.output(p)
	p.Ours.clamped = p.Time != 0 && out != p.Time/nanosPerMilli
	s.latestMilli = max(s.latestMilli, out)
	switch {
	case s.zeroDue:
		s.takeFirst(p, out, clock)
	case s.unsentZero != nil:
		p.Ours.held = heldRefusedZero
		s.wait(pendingCause{point: p, why: pendingHeld})
	case out <= s.lastMilli:
		s.hold(p)
	default:
		s.emit(p, out)
	}
}

// recognise applies D3b: the last four windows are known, older ones are counted again.
func (s *ledgerStream) recognise(p *Point) {
	if p.Time == 0 || s.overflow {
		return
	}
	window := p.fingerprint()
	if slices.Contains(s.recent, window) {
		p.Fate = repeated
		return
	}
	if s.seen[window] {
		p.Fate = again
	}
	s.seen[window] = true
	s.recent = append([]string{window}, s.recent[:min(len(s.recent), windowsRemembered-1)]...)
}

// add applies D2 and D7.
func (s *ledgerStream) add(p *Point) {
	sum := s.total.plus(p.Value)
	if !sum.fitsCounts() {
		p.Fate = tooMany
		return
	}
	if !sum.fitsDouble() {
		p.Fate = tooLarge
		return
	}
	switch {
	case p.Value.isDistribution():
	case s.double != notDouble:
	case p.Value.isDouble() && s.total.terms == 0:
		s.double = doubleFirst
	case p.Value.isDouble():
		s.double = doubleMixed
	case !sum.fitsInt():
		s.double = doubleOverflow
	}
	if s.double == doubleFirst && p.Value.isInt() {
		s.double = doubleMixed
	}
	s.total = sum
	p.Ours.double = s.double
}

// takeFirst fixes the zero of a new monotonic stream (D6).
func (s *ledgerStream) takeFirst(p *Point, out uint64, clock outputClock) {
	s.zeroDue = false
	zero := max(s.start/nanosPerMilli, clock.oldest, s.lastMilli+1)
	room := zero < out
	if !room {
		zero = max(out, s.lastMilli+1)
	}
	s.start = min(s.start, zero*nanosPerMilli)
	s.lastMilli = zero
	s.beginsLate = zero > out
	p.Ours.zero = &Output{Start: s.start, Time: zero * nanosPerMilli, Value: s.rounded(newExact())}
	s.emitted = append(s.emitted, emission{output: p.Ours.zero, total: newExact()})
	if room {
		s.emit(p, out)
		return
	}
	p.Ours.held = heldNoRoom
	s.wait(pendingCause{point: p, why: pendingNoRoom})
}

func (s *ledgerStream) hold(p *Point) {
	p.Ours.ahead = s.lastBy
	switch {
	case s.lastBy != nil:
		p.Ours.held = heldBehind
	case s.lastByTick:
		p.Ours.held = heldAfterTick
	case s.beginsLate || !p.Stream.Monotonic:
		p.Ours.held = heldBeforeBegin
	default:
		p.Ours.held = heldNoRoom
	}
	s.wait(pendingCause{point: p, why: pendingHeld})
}

func (s *ledgerStream) emit(p *Point, out uint64) {
	s.lastMilli, s.lastBy, s.lastByTick = out, p, false
	p.Ours.value = s.output(out)
	if p.Exemplar != 0 {
		p.Ours.value.Exemplars = []int64{p.Exemplar}
	}
	s.emitted = append(s.emitted, emission{point: p, output: p.Ours.value, total: s.total})
}

func (s *ledgerStream) output(milli uint64) *Output {
	s.start = min(s.start, milli*nanosPerMilli)
	return &Output{Start: s.start, Time: milli * nanosPerMilli, Value: s.rounded(s.total)}
}

// rounded writes a total in the stream's type.
func (s *ledgerStream) rounded(total exact) Value {
	if s.first.Value.isDistribution() {
		count := uint64(0)
		for _, d := range total.points {
			count += d.Count
		}
		return distribution(Distribution{Count: count}) // buckets are compared with what was recorded, by isSumOf
	}
	if s.double != notDouble {
		value, _ := total.sum.Float64()
		return double(value)
	}
	value, _ := total.sum.Int64()
	return integer(value)
}

// finish ends a request: the last value that goes out carries all that the request added (D5).
func (s *ledgerStream) finish() []emission {
	emitted := s.emitted
	s.emitted, s.loneZero = nil, nil
	if n := len(emitted) - 1; n >= 0 && emitted[n].point == nil {
		s.loneZero = emitted[n].output
	} else if n >= 0 {
		emitted[n].total = s.total
		emitted[n].output.Value = s.rounded(s.total)
		emitted[n].point.Ours.double = s.double
		s.pending = nil
	}
	return emitted
}

// wait makes the total go out at the next tick.
func (s *ledgerStream) wait(cause pendingCause) {
	cause.at = cause.point.At
	s.pending = append(s.pending, cause)
}

// refuse handles a refused delivery: the stream counts as changed (L4). A zero that went out with its value does not
// come again: to a store that took both after all it would look like a reset.
func (s *ledgerStream) refuse(at time.Duration) {
	if s.loneZero != nil {
		again := *s.loneZero
		s.unsentZero = &again
	}
	s.pending = append(s.pending, pendingCause{why: pendingRefused, at: at})
}

// release is what a tick sends: the total at the latest time that any point asked for, or 1 ms after the last (D4).
func (s *ledgerStream) release() []emission {
	var released []emission
	if s.unsentZero != nil {
		s.unsentZero.Value = s.rounded(newExact()) // the stream may have become a double
		released = append(released, emission{output: s.unsentZero, total: newExact()})
	}
	s.pending, s.unsentZero = nil, nil
	s.lastMilli = max(s.latestMilli, s.lastMilli+1)
	s.lastBy, s.lastByTick = nil, true
	return append(released, emission{output: s.output(s.lastMilli), total: s.total})
}
