package differential

// historyLostToType: contrib takes a total of the other type for zero.
func historyLostToType(d *Difference) bool {
	if d.Kind != kindIncrement || d.Point.Fate != counted || d.Point.Contrib.value == nil || d.Point.Contrib.reset {
		return false
	}
	before := d.Point.Contrib.before
	return !before.isEmpty() && before.Kind != d.Point.Value.Kind
}

// doubleBecause: our total is a double for this reason, contrib's has the type of the point.
func doubleBecause(reason doubleReason) predicate {
	return func(d *Difference) bool {
		return d.Kind == kindType && d.Point.Ours.double == reason && d.Contrib.Value.Kind == d.Point.Value.Kind
	}
}

// integerWraps: contrib's integer sum falls although the increment is positive, or the other way round.
func integerWraps(d *Difference) bool {
	if d.Kind != kindIncrement || d.Point.Contrib.value == nil {
		return false
	}
	c := &d.Point.Contrib
	return d.Point.Fate == counted && c.before.isInt() && d.Point.Value.isInt() &&
		(c.after.Int < c.before.Int) != (d.Point.Value.Int < 0)
}

// roundsOnly: contrib's addition of two finite doubles, or of the sums of two histograms, is right but for its rounding.
func roundsOnly(d *Difference) bool {
	if d.Kind != kindIncrement || d.Point.Contrib.value == nil {
		return false
	}
	c := &d.Point.Contrib
	if d.Point.Value.isDistribution() {
		return d.Point.Fate == counted && c.before.isFinite() && c.after.isFinite() && histogramGrowth(d.Point) == errRounded
	}
	return d.Point.Fate == counted && !c.reset && c.before.isDouble() && d.Point.Value.isDouble() &&
		c.after.isFinite() && c.after.Double == c.before.Double+d.Point.Value.Double
}

// stickyFlag: the stream began with NO_RECORDED_VALUE, and contrib repeats the flag with every value.
func stickyFlag(d *Difference) bool {
	return d.Kind == kindFlag && d.Contrib.Unrecorded && !d.Point.Unrecorded && d.Point.Contrib.first.Unrecorded
}

// exemplarsOfTheFirst: contrib repeats those of the stream's first point, ours has those of the point.
func exemplarsOfTheFirst(d *Difference) bool {
	return d.Kind == kindExemplars && d.Point.Exemplar != d.Point.Contrib.first.Exemplar
}

// zeroOfANewStream: a monotonic stream begins with 0, once.
func zeroOfANewStream(d *Difference) bool {
	if d.Kind != kindZero {
		return false
	}
	zero := d.Point.Ours.zero
	return d.Point.Stream.Monotonic && d.Point == d.Point.Ours.first && zero.Value.float() == 0 && zero.Start <= zero.Time
}

// heldFor: contrib emits, ours waits for this reason.
func heldFor(reason holdReason) predicate {
	return func(d *Difference) bool {
		return d.Kind == kindOnlyContrib && d.Point.Fate.adds() && d.Point.Ours.held == reason
	}
}

// tickFor: a total went out at the first tick after a point that waited for this reason.
func tickFor(reason pendingReason) predicate {
	return func(d *Difference) bool {
		if d.Kind != kindTick {
			return false
		}
		for _, cause := range d.Tick.causes {
			if cause.why == reason && withinATick(d.Tick, cause) {
				return true
			}
		}
		return false
	}
}

func hasNoTime(p *Point) bool { return p.Time == 0 }

func hasPartOfMilli(p *Point) bool { return p.Time%nanosPerMilli != 0 && !p.Ours.clamped }

func isClamped(p *Point) bool { return p.Ours.clamped }

// hasOutputTime: both emit, ours at another time because of what the point's time is.
func hasOutputTime(holds func(*Point) bool) predicate {
	return func(d *Difference) bool { return d.Kind == kindTime && holds(d.Point) }
}

// startInWholeMillis: the start was moved to the millisecond of the zero, which lies before it.
func startInWholeMillis(d *Difference) bool {
	return d.Kind == kindStart && d.Ours.Start == d.Contrib.Start/nanosPerMilli*nanosPerMilli
}

// heldInSameMilli: the output that ours does not pass has the same millisecond as the point.
func heldInSameMilli(d *Difference) bool {
	if !heldFor(heldBehind)(d) || d.Point.Ours.clamped {
		return false
	}
	ahead := d.Point.Ours.ahead
	return d.Point.Time > ahead.Time && d.Point.Time/nanosPerMilli == ahead.Time/nanosPerMilli
}

// heldBehindNoTime: ours gave a point without time its arrival time, contrib the time 0, which any other time passes.
func heldBehindNoTime(d *Difference) bool {
	return heldFor(heldBehind)(d) && d.Point.Ours.ahead.Time == 0
}

// heldAsClamped: the point, or the one that it does not pass, has an output time that is not its own.
func heldAsClamped(d *Difference) bool {
	return heldFor(heldBehind)(d) && (d.Point.Ours.clamped || d.Point.Ours.ahead.Ours.clamped)
}

// startBeforeClampedTime: a client's clock is ahead, its start lies after the time that goes out.
func startBeforeClampedTime(d *Difference) bool {
	return d.Kind == kindStart && d.Ours.Start < d.Contrib.Start && d.Point.Ours.first.Ours.clamped
}

// neverDelivered: contrib's last total was in a refused delivery, and nothing came after it.
func neverDelivered(d *Difference) bool {
	return d.Kind == kindUndelivered
}
