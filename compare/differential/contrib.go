package differential

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// contribReplay restates what contrib's delta_to_cumulative v0.158.0 does with delta points. It was written from the
// processor's observed behaviour and holds it fast: with another version the tests say what has changed. Which points of
// a histogram it takes is predicted; what it makes of their buckets is read from its output (adopt) and judged there.
type contribReplay struct {
	scenario *Scenario
	streams  map[string]*contribStream
	record   record
}

// contribStream is the data point that contrib keeps of a stream.
type contribStream struct {
	first, last, spoiler *Point
	time                 uint64
	value                Value
	bounds               []float64
}

// replayContrib predicts what contrib delivers and fills in the contrib fate of all points.
func replayContrib(s *Scenario, requests [][]*Point) *contribReplay {
	c := &contribReplay{scenario: s, streams: map[string]*contribStream{}, record: record{}}
	for i, points := range requests {
		if s.forgets(i) {
			c.streams = map[string]*contribStream{}
		}
		for _, p := range points {
			c.take(p)
		}
		c.deliver(&s.Requests[i], points)
	}
	return c
}

// take applies contrib's checks in their order.
func (c *contribReplay) take(p *Point) {
	key := p.Stream.key()
	state := c.streams[key]
	if state == nil {
		if len(c.streams) >= c.scenario.MaxStreams {
			p.Contrib.drop = dropLimit
			return
		}
		state = &contribStream{}
		c.streams[key] = state
	}
	p.Contrib.before, p.Contrib.first, p.Contrib.last, p.Contrib.spoiler = state.value, state.first, state.last, state.spoiler
	switch {
	case state.time == 0:
		p.Contrib.reset = true
		*state = contribStream{first: p, value: p.Value, bounds: p.bounds()}
	case p.Start < state.first.Start:
		p.Contrib.drop = dropOlderStart
	case p.Time <= state.time:
		p.Contrib.drop = dropOutOfOrder
	case p.Stream.Histogram == explicitHistogram && !slices.Equal(state.bounds, p.bounds()):
		p.Contrib.rebound = true
		*state = contribStream{first: p, value: p.Value, bounds: p.bounds()}
	default:
		state.value = contribSum(state.value, p.Value)
	}
	if p.Contrib.drop == notDropped {
		state.accept(p)
	}
	p.Contrib.after = state.value
}

func (s *contribStream) accept(p *Point) {
	s.time, s.last = p.Time, p
	switch {
	case s.value.isFinite():
		s.spoiler = nil
	case s.spoiler == nil:
		s.spoiler = p
	}
	output := Output{Start: s.first.Start, Time: p.Time, Value: s.value, Unrecorded: s.first.Unrecorded}
	if s.first.Exemplar != 0 {
		output.Exemplars = []int64{s.first.Exemplar}
	}
	p.Contrib.value, p.Contrib.first = &output, s.first
}

// contribSum adds as contrib does: a state of the other type counts as nothing, integers wrap.
func contribSum(state, value Value) Value {
	switch value.Kind {
	case integerValue:
		return integer(state.Int + value.Int)
	case doubleValue:
		return double(state.Double + value.Double)
	case distributionValue:
		return value // adopt puts the total here
	}
	return state
}

// bounds are those of an explicit histogram.
func (w *Window) bounds() []float64 {
	if !w.Value.isDistribution() {
		return nil
	}
	return w.Value.Distribution.Bounds
}

// adopt takes over the histograms that contrib delivered as what it held after each point. Whether they are right is
// judged point by point, from one to the next.
func (c *contribReplay) adopt(requests [][]*Point, recorded record) {
	last, spoilers := map[string]Value{}, map[string]*Point{}
	for i, points := range requests {
		if c.scenario.forgets(i) {
			clear(last)
			clear(spoilers)
		}
		taken := map[string]int{}
		for _, p := range points {
			key := p.Stream.key()
			outputs := recorded.at(p.At).streams[key]
			if p.Contrib.value == nil || !p.Value.isDistribution() || taken[key] >= len(outputs) {
				continue
			}
			value := outputs[taken[key]].Value
			taken[key]++
			if p.Contrib.rebound {
				delete(spoilers, key)
			}
			p.Contrib.before, p.Contrib.after, p.Contrib.spoiler = last[key], value, spoilers[key]
			p.Contrib.value.Value = value
			last[key] = value
			switch {
			case value.isFinite():
				delete(spoilers, key)
			case spoilers[key] == nil:
				spoilers[key] = p
			}
		}
	}
}

// deliver predicts one delivery: contrib sends nothing if no metric is left, and removes resources without any.
func (c *contribReplay) deliver(r *Request, points []*Point) {
	if r.Extra {
		c.record.at(r.At).extra = extraMetrics()
	}
	for _, p := range points {
		if p.Contrib.value != nil {
			d := c.record.at(r.At)
			d.streams[p.Stream.key()] = append(d.streams[p.Stream.key()], *p.Contrib.value)
		}
	}
	if d := c.record[r.At]; d != nil {
		d.refused = r.Refused
	}
}

// extraMetrics are the metrics of appendExtra as a recorder describes them.
func extraMetrics() []string {
	md := pmetric.NewMetrics()
	appendExtra(md)
	d := delivery{}
	d.add(md)
	return d.extra
}
