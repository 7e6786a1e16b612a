package differential

import "fmt"

// kind is in what respect the processors disagree.
type kind int

const (
	// kindIncrement: the totals grow by different amounts at a point.
	kindIncrement kind = iota
	// kindOnlyOurs: a point has an output from token_ledger alone.
	kindOnlyOurs
	// kindOnlyContrib: a point has an output from contrib alone.
	kindOnlyContrib
	// kindZero: token_ledger sends a zero that nobody sent.
	kindZero
	// kindTick: token_ledger sends a total that no request brought along.
	kindTick
	// kindTime, kindStart, kindType, kindFlag and kindExemplars: both send an output for a point, with different
	// times, start times, value types, flags and exemplars.
	kindTime
	kindStart
	kindType
	kindFlag
	kindExemplars
	// kindUndelivered: contrib holds a total that nobody was told.
	kindUndelivered
	// kindHollow: token_ledger passes a resource without metrics on.
	kindHollow
	// kindWide: contrib's histogram has more buckets than it promises.
	kindWide
)

var kindNames = [...]string{"increment", "only token_ledger emits", "only contrib emits", "zero point", "tick",
	"time", "start", "type", "flag", "exemplars", "never delivered", "resource without metrics", "too many buckets"}

func (k kind) String() string { return kindNames[k] }

// Difference is one disagreement. Which fields are set depends on its kind.
type Difference struct {
	Kind   kind
	Stream string
	// Point is the point at which the processors disagree.
	Point *Point
	// Ours and Contrib are the outputs.
	Ours, Contrib *Output
	// Tick is the output of kindTick.
	Tick *tickOutput
}

func (d *Difference) String() string {
	text := fmt.Sprintf("%s of %s", d.Kind, d.Stream)
	if d.Point != nil {
		text += fmt.Sprintf(" at %s; fate %d, ours %+v, contrib %+v", d.Point, d.Point.Fate, d.Point.Ours, d.Point.Contrib)
	}
	if d.Kind == kindIncrement && d.Point.Contrib.after.isDistribution() {
		text += fmt.Sprintf("; contrib went from %v to %v: %v", d.Point.Contrib.before, d.Point.Contrib.after, histogramGrowth(d.Point))
	}
	if d.Tick != nil {
		text += fmt.Sprintf(" at %s: %s, causes %v", d.Tick.at, d.Tick.output, d.Tick.causes)
	}
	return text
}

// differences lists everything in which the two replays disagree.
func differences(s *Scenario, requests [][]*Point, ours *ledgerReplay) []Difference {
	var found []Difference
	for i, points := range requests {
		for _, p := range points {
			found = append(found, pointDifferences(p)...)
		}
		if s.Requests[i].Hollow {
			found = append(found, Difference{Kind: kindHollow, Stream: "none"})
		}
	}
	for i := range ours.ticks {
		t := &ours.ticks[i]
		found = append(found, Difference{Kind: kindTick, Stream: t.stream, Tick: t})
	}
	return append(found, undelivered(s, requests)...)
}

func pointDifferences(p *Point) []Difference {
	var found []Difference
	note := func(k kind) {
		found = append(found, Difference{Kind: k, Stream: p.Stream.key(), Point: p, Ours: p.Ours.value, Contrib: p.Contrib.value})
	}
	if !growsAlike(p) {
		note(kindIncrement)
	}
	if p.Ours.zero != nil {
		note(kindZero)
	}
	ours, contrib := p.Ours.value, p.Contrib.value
	if contrib != nil && contrib.Value.isDistribution() && contrib.Value.Distribution.isWide() {
		note(kindWide)
	}
	switch {
	case ours == nil && contrib == nil:
	case contrib == nil:
		note(kindOnlyOurs)
	case ours == nil:
		note(kindOnlyContrib)
	default:
		for k, differs := range map[kind]bool{
			kindTime:      ours.Time != contrib.Time,
			kindStart:     ours.Start != contrib.Start,
			kindType:      ours.Value.Kind != contrib.Value.Kind,
			kindFlag:      ours.Unrecorded != contrib.Unrecorded,
			kindExemplars: fmt.Sprint(ours.Exemplars) != fmt.Sprint(contrib.Exemplars),
		} {
			if differs {
				note(k)
			}
		}
	}
	return found
}

// growsAlike tells whether both totals grow by the same amount at a point: contrib's as it is written, ours as the
// exact sum. So every difference between totals is a sum of increments that are explained one by one.
func growsAlike(p *Point) bool {
	if p.Value.isDistribution() {
		return histogramGrowsAlike(p)
	}
	added := newBig(0)
	if p.Fate.adds() {
		added = p.Value.big()
	}
	if p.Contrib.value == nil {
		return added.Sign() == 0
	}
	before, after := p.Contrib.before, p.Contrib.after
	if !before.isFinite() || !after.isFinite() {
		return false
	}
	return newBig(0).Sub(after.big(), before.big()).Cmp(added) == 0
}

// histogramGrowsAlike is growsAlike for histograms: count, sum, minimum, maximum and each bucket.
func histogramGrowsAlike(p *Point) bool {
	if p.Contrib.value == nil {
		return !p.Fate.adds() || p.Value.Distribution.saysNothing()
	}
	before, after := p.Contrib.before, p.Contrib.after
	return before.isFinite() && after.isFinite() && histogramGrowth(p) == nil
}

// undelivered finds the streams whose last total at contrib reached nobody, because a request was refused.
func undelivered(s *Scenario, requests [][]*Point) []Difference {
	last := map[string]*Point{}
	lastDelivered := map[string]*Point{}
	for i, points := range requests {
		for _, p := range points {
			if p.Contrib.value == nil {
				continue
			}
			last[p.Stream.key()] = p
			if !s.Requests[i].Refused {
				lastDelivered[p.Stream.key()] = p
			}
		}
	}
	var found []Difference
	for key, p := range last {
		if lastDelivered[key] != p {
			found = append(found, Difference{Kind: kindUndelivered, Stream: key, Point: p, Contrib: p.Contrib.value})
		}
	}
	return found
}

// withinATick tells whether a tick came as soon as it could after a cause.
func withinATick(t *tickOutput, cause pendingCause) bool {
	wait := t.at - cause.at
	return wait > 0 && wait <= tickEvery
}
