package differential

import (
	"slices"
	"strings"
	"time"
)

const (
	nanosPerMilli = uint64(time.Millisecond)
	// windowsRemembered is how many windows of a stream are recognised again (D3b).
	windowsRemembered = 4
)

// ledgerReplay restates what the rules D1 to D11, T5, L1 and L4 demand of token_ledger with `emit: each`, to the
// millisecond and to the point.
type ledgerReplay struct {
	scenario *Scenario
	streams  map[string]*ledgerStream
	// requests are the digests of requests (D3a).
	requests map[string]bool
	record   record
	// totals are the exact values of the outputs in record, in the same order.
	totals map[*delivery]map[string][]exact
	// ticks are the deliveries that no request brought, with their causes.
	ticks []tickOutput
}

// tickOutput is a total that went out at a tick.
type tickOutput struct {
	stream string
	at     time.Duration
	output Output
	causes []pendingCause
}

// replayLedger predicts what token_ledger delivers and fills in the fates of all points.
func replayLedger(s *Scenario, requests [][]*Point) *ledgerReplay {
	l := &ledgerReplay{
		scenario: s, streams: map[string]*ledgerStream{}, requests: map[string]bool{},
		record: record{}, totals: map[*delivery]map[string][]exact{},
	}
	before := time.Duration(0)
	for i, points := range requests {
		at := s.Requests[i].At
		l.ticksBetween(before, at)
		if s.forgets(i) {
			l.streams = map[string]*ledgerStream{}
		}
		l.request(&s.Requests[i], points)
		before = at
	}
	l.ticksBetween(before, before+s.Rest)
	l.tick(before + s.Rest) // Shutdown (L5)
	return l
}

// request applies one request: recognise it as a whole (D3a), or else apply it point by point.
func (l *ledgerReplay) request(r *Request, points []*Point) {
	digest := requestDigest(points)
	if digest != "" && l.requests[digest] {
		l.repeat(points)
		l.deliver(r, nil)
		return
	}
	l.requests[digest] = digest != ""
	touched := map[string]*ledgerStream{}
	for _, p := range points {
		p.Fate = p.usable()
		if p.Fate != counted {
			continue
		}
		if s := l.find(p); s != nil {
			touched[s.key] = s
			s.take(p, l.clockAt(p.At))
		}
	}
	l.deliver(r, touched)
}

// requestDigest is equal for requests with equal windows, whatever their order; none if a window has no time.
func requestDigest(points []*Point) string {
	var windows []string
	for _, p := range points {
		if p.usable() != counted {
			continue
		}
		if p.Time == 0 {
			return ""
		}
		windows = append(windows, p.fingerprint())
	}
	slices.Sort(windows)
	return strings.Join(windows, "\n")
}

// repeat handles a request that was seen before: nothing is added, the totals go out again (D3a).
func (l *ledgerReplay) repeat(points []*Point) {
	for _, p := range points {
		p.Fate = p.usable()
		if p.Fate != counted {
			continue
		}
		p.Fate = repeated
		if s := l.streams[p.Stream.key()]; s != nil {
			p.Ours.first = s.first
			s.wait(pendingCause{point: p, why: pendingRepeated})
		}
	}
}

// find returns the ledger stream of a point; without room it is the overflow stream of the metric (T5).
func (l *ledgerReplay) find(p *Point) *ledgerStream {
	key := p.Stream.key()
	if s := l.streams[key]; s != nil {
		return s
	}
	overflow := len(l.streams) >= l.scenario.MaxStreams
	if overflow {
		key = p.Stream.overflowKey()
		if s := l.streams[key]; s != nil {
			return s
		}
	}
	s := newLedgerStream(key, p, overflow, l.floor())
	l.streams[key] = s
	return s
}

// floor is the time at or before which nothing goes out, in milliseconds (D6).
func (l *ledgerReplay) floor() uint64 {
	if l.scenario.MaxLag == 0 {
		return 0
	}
	return uint64(begin.UnixMilli())
}

// deliver predicts the delivery of a request and, if it is refused, what follows from that (L4).
func (l *ledgerReplay) deliver(r *Request, touched map[string]*ledgerStream) {
	leaves := r.Extra || r.Hollow
	for key, s := range touched {
		if emitted := s.finish(); len(emitted) > 0 {
			leaves = true
			l.deliverStream(r.At, key, emitted)
		}
	}
	if !leaves {
		return
	}
	d := l.record.at(r.At)
	d.refused = r.Refused
	if r.Extra {
		d.extra = extraMetrics()
	}
	if r.Hollow {
		d.hollow = 1
	}
	if r.Refused {
		for _, s := range touched {
			s.refuse(r.At)
		}
	}
}

func (l *ledgerReplay) deliverStream(at time.Duration, key string, emitted []emission) {
	d := l.record.at(at)
	if l.totals[d] == nil {
		l.totals[d] = map[string][]exact{}
	}
	for _, e := range emitted {
		d.streams[key] = append(d.streams[key], *e.output)
		l.totals[d][key] = append(l.totals[d][key], e.total)
	}
}

// ticksBetween runs the ticks after one moment and before another.
func (l *ledgerReplay) ticksBetween(after, before time.Duration) {
	for at := after.Truncate(tickEvery) + tickEvery; at < before; at += tickEvery {
		l.tick(at)
	}
}

// tick sends what waits (D4).
func (l *ledgerReplay) tick(at time.Duration) {
	for key, s := range l.streams {
		if len(s.pending) == 0 {
			continue
		}
		causes := s.pending
		released := s.release()
		l.deliverStream(at, key, released)
		for _, e := range released {
			l.ticks = append(l.ticks, tickOutput{stream: key, at: at, output: *e.output, causes: causes})
		}
	}
}

// outputClock are the times that outputs of one request may have, in milliseconds (D4).
type outputClock struct{ now, oldest uint64 }

func (l *ledgerReplay) clockAt(at time.Duration) outputClock {
	now := uint64(begin.Add(at).UnixNano())
	clock := outputClock{now: now / nanosPerMilli}
	if l.scenario.MaxLag > 0 {
		clock.oldest = clock.now - uint64(l.scenario.MaxLag.Milliseconds())
	}
	return clock
}

// output is `clamp(point time, now − max_lag, now)`; the arrival where a point has no time (D4, D11).
func (c outputClock) output(p *Point) uint64 {
	if p.Time == 0 {
		return c.now
	}
	return min(max(p.Time/nanosPerMilli, c.oldest), c.now)
}
