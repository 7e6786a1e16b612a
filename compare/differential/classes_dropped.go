package differential

// dropCause is why contrib drops a point that belongs into the total.
type dropCause int

const (
	none dropCause = iota
	limited
	forgottenDuplicate
	noTime
	noStart
	startAfterTime
	equalEnd
	newestFirst
	lateWindow
	earlierStart
)

// causeOf names why contrib dropped a counted point, from what contrib held when it came.
func causeOf(p *Point) dropCause {
	c := &p.Contrib
	switch {
	case !p.Fate.adds() || c.drop == notDropped:
		return none
	case c.drop == dropLimit:
		return limited
	case p.Fate == again:
		return forgottenDuplicate
	case p.Time == 0:
		return noTime
	case c.drop == dropOlderStart && p.Start == 0:
		return noStart
	case c.drop == dropOlderStart && hasImpossibleStart(c.first):
		return startAfterTime
	case p.Time == c.last.Time:
		return equalEnd
	case p.Time < c.last.Time && p.Request == c.last.Request:
		return newestFirst
	case p.Time < c.last.Time:
		return lateWindow
	case p.Start < c.first.Start:
		return earlierStart
	}
	return none
}

// droppedAs explains what follows from contrib dropping a counted point: the increment is missing, the output too,
// and a later point may pass contrib's time but not ours, because we took the point that contrib dropped.
func droppedAs(cause dropCause) predicate {
	return func(d *Difference) bool {
		switch d.Kind {
		case kindIncrement, kindOnlyOurs:
			return causeOf(d.Point) == cause
		case kindOnlyContrib:
			ahead := d.Point.Ours.ahead
			return d.Point.Fate.adds() && d.Point.Ours.held == heldBehind && causeOf(ahead) == cause
		}
		return false
	}
}

// takenBy explains what follows from contrib taking a point that does not belong into the total.
func takenBy(f fate) predicate {
	return func(d *Difference) bool {
		return (d.Kind == kindIncrement || d.Kind == kindOnlyContrib) && d.Point.Fate == f && d.Point.Contrib.value != nil
	}
}

// spoiledBy explains that contrib's total is no longer a finite number since it took such a point.
func spoiledBy(f fate) predicate {
	return func(d *Difference) bool {
		return d.Kind == kindIncrement && d.Point.Contrib.spoiler != nil && d.Point.Contrib.spoiler.Fate == f
	}
}

// beginsWith explains start times by the point with which contrib's stream begins.
func beginsWith(holds func(*Point) bool) predicate {
	return func(d *Difference) bool { return d.Kind == kindStart && holds(d.Point.Contrib.first) }
}

func beginsWithFate(f fate) predicate {
	return beginsWith(func(p *Point) bool { return p.Fate == f })
}

func hasImpossibleStart(p *Point) bool { return p.Time != 0 && p.Start > p.Time }

// replacedForNoTime: as long as contrib's stream has no time, each point replaces all before it.
func replacedForNoTime(d *Difference) bool {
	if d.Kind == kindStart { // a later point became contrib's first
		return hasNoTime(d.Point.Ours.first)
	}
	c := &d.Point.orNone().Contrib
	return d.Kind == kindIncrement && c.reset && c.last != nil && c.last.Time == 0
}

// orNone makes differences without a point easy to ask.
func (p *Point) orNone() *Point {
	if p == nil {
		return &Point{}
	}
	return p
}
