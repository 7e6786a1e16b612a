package differential

// reboundsState: contrib takes a histogram with other bounds for a new beginning.
func reboundsState(d *Difference) bool {
	return d.Kind == kindIncrement && d.Point.Contrib.value != nil && d.Point.Contrib.rebound
}

// startsAtRebound: contrib's stream begins where the bounds changed.
func startsAtRebound(d *Difference) bool {
	return d.Kind == kindStart && d.Point.Contrib.first.Contrib.rebound
}

// addsToMalformed: contrib's state has a wrong number of buckets since it took such a point, and adds what fits.
func addsToMalformed(d *Difference) bool {
	if d.Kind != kindIncrement || d.Point.Contrib.value == nil {
		return false
	}
	before := d.Point.Contrib.before
	return before.isDistribution() && !before.Distribution.isWellFormed()
}

// forgetsSummary: a histogram without observations has no sum, minimum or maximum, and contrib's total then has none, be
// it the point or what the total was before.
func forgetsSummary(d *Difference) bool {
	if d.Kind != kindIncrement || !d.Point.Fate.adds() || !d.Point.Value.isDistribution() || d.Point.Contrib.value == nil {
		return false
	}
	c := &d.Point.Contrib
	empty := d.Point.Value.Distribution.Count == 0 || c.before.isDistribution() && c.before.Distribution.Count == 0
	return empty && !c.rebound && c.after.isFinite() &&
		shows(grown(d.Point), []*Distribution{c.after.Distribution}) == nil
}

// overflowsSum: the sum of contrib's histogram becomes infinite, ours was unknown already.
func overflowsSum(d *Difference) bool {
	c := &d.Point.orNone().Contrib
	return d.Kind == kindIncrement && d.Point.Fate == counted && d.Point.Value.isDistribution() && c.value != nil &&
		d.Point.Value.isFinite() && c.before.isFinite() && !c.after.isFinite()
}

// spoiledByOverflow: and so it stays.
func spoiledByOverflow(d *Difference) bool {
	c := &d.Point.orNone().Contrib
	return d.Kind == kindIncrement && d.Point.Value.isDistribution() && c.spoiler != nil && c.spoiler.Value.isFinite()
}

// tooWide: contrib's total has more buckets than it says it has at most.
func tooWide(d *Difference) bool { return d.Kind == kindWide }

// widensOneThreshold: contrib raises one of two different zero thresholds to the edge of a bucket, and not the other.
func widensOneThreshold(d *Difference) bool {
	if d.Kind != kindIncrement || d.Point.Fate != counted || d.Point.Contrib.value == nil {
		return false
	}
	before, value := d.Point.Contrib.before, d.Point.Value
	return value.isDistribution() && before.isDistribution() && value.Distribution.Exponential &&
		before.Distribution.ZeroThreshold != value.Distribution.ZeroThreshold
}

// grown is what contrib's total should hold after a point: what it held, and the point.
func grown(p *Point) []*Distribution {
	var points []*Distribution
	if p.Contrib.before.isDistribution() {
		points = append(points, p.Contrib.before.Distribution)
	}
	if p.Fate.adds() {
		points = append(points, p.Value.Distribution)
	}
	return points
}

// histogramGrowth tells whether contrib's total grew by just what the point adds; nil if so.
func histogramGrowth(p *Point) error {
	after := p.Contrib.after.Distribution
	if err := shows(grown(p), []*Distribution{after}); err != nil {
		return err
	}
	return sameSummary(grown(p), after, false)
}
