package differential

import "go.opentelemetry.io/collector/pdata/pmetric"

// contribReplay restates what contrib's delta_to_cumulative v0.158.0 does with delta sums. It was written from the
// processor's observed behaviour and holds it fast: with another version the tests say what has changed.
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
}

// replayContrib predicts what contrib delivers and fills in the contrib fate of all points.
func replayContrib(s *Scenario, requests [][]*Point) record {
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
	return c.record
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
		*state = contribStream{first: p, value: p.Value}
	case p.Start < state.first.Start:
		p.Contrib.drop = dropOlderStart
	case p.Time <= state.time:
		p.Contrib.drop = dropOutOfOrder
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
	case pmetric.NumberDataPointValueTypeInt:
		return integer(state.Int + value.Int)
	case pmetric.NumberDataPointValueTypeDouble:
		return double(state.Double + value.Double)
	}
	return state
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
