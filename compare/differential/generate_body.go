package differential

import (
	"math"
	"slices"
	"time"
)

// writer is one client process that reports one stream. Several may report the same stream.
type writer struct {
	stream *Stream
	// double is the type of its values, bounds the number of its set of bounds.
	double bool
	bounds int
	// skew is how far its clock is ahead.
	skew time.Duration
	// end is the end of its last window.
	end uint64
	// sent are its windows so far, oldest first.
	sent []Window
}

// makeWriters invents clients. Streams differ in one thing each, so that a mistaken identity shows.
func (g *generator) makeWriters() {
	variants := []func(*Stream){
		func(*Stream) {},
		func(s *Stream) { s.Host = "other host" },
		func(s *Stream) { s.Scope = "other scope" },
		func(s *Stream) { s.Metric = "cost" },
		func(s *Stream) { s.Unit = "USD" },
		func(s *Stream) { s.Monotonic = false },
		func(s *Stream) { s.Attributes[1].Value = "1" },
		func(s *Stream) { s.Attributes = s.Attributes[:1] },
		func(s *Stream) { s.Attributes = append(s.Attributes, Attribute{"cached", true}) },
		func(s *Stream) { s.Histogram = explicitHistogram },
		func(s *Stream) { s.Metric, s.Histogram = "latency", explicitHistogram },
		func(s *Stream) { s.Histogram = exponentialHistogram },
		func(s *Stream) { s.Metric, s.Histogram = "size", exponentialHistogram },
	}
	g.random.Shuffle(len(variants), func(i, j int) { variants[i], variants[j] = variants[j], variants[i] })
	for _, change := range variants[:2+g.random.IntN(5)] {
		stream := &Stream{
			Host: "host", Scope: "scope", Metric: "tokens", Unit: "1", Monotonic: true,
			Attributes: []Attribute{{"session.id", "one"}, {"step", int64(1)}},
		}
		change(stream)
		g.addWriter(stream)
		if g.hazards.twoWriters && g.one(2) {
			g.addWriter(stream)
		}
	}
}

func (g *generator) addWriter(stream *Stream) {
	w := &writer{stream: stream, double: g.one(3)}
	switch {
	case g.hazards.clockAhead && g.one(2):
		w.skew = time.Hour
	case g.hazards.clockBehind && g.one(2):
		w.skew = -2 * time.Hour
	}
	w.end = g.wall() + uint64(int64(w.skew)+int64(20*time.Millisecond))
	if g.hazards.beginning {
		w.end -= uint64(3 * time.Second)
	}
	g.writers = append(g.writers, w)
}

// body fills one request with the windows of some clients; of one client where places are limited.
func (g *generator) body() []Window {
	var windows []Window
	if g.profile == profileLimited {
		windows = g.windows(g.writers[g.random.IntN(len(g.writers))])
	} else {
		for _, w := range g.writers {
			if !g.one(3) {
				windows = append(windows, g.windows(w)...)
			}
		}
	}
	windows = append(windows, g.release()...)
	g.order(windows)
	return windows
}

// windows makes the next windows of a client, between the end of its last and now.
func (g *generator) windows(w *writer) []Window {
	var made []Window
	for range 1 + g.random.IntN(3)/2*g.random.IntN(3) {
		window, ok := g.window(w)
		if !ok {
			break
		}
		w.sent = append(w.sent, window)
		made = append(made, window)
	}
	made = g.holdBack(made)
	return append(made, g.again(w)...)
}

// window makes one window that follows the last one of its client: aligned, after a gap or overlapping.
func (g *generator) window(w *writer) (Window, bool) {
	now := int64(g.wall()) + int64(w.skew)
	room := now - int64(w.end)
	if room < int64(4*time.Millisecond) {
		return Window{}, false
	}
	end := w.end + uint64(1+g.random.Int64N(room-1))
	if !g.hazards.subMilli {
		end = max(end/nanosPerMilli, w.end/nanosPerMilli+1) * nanosPerMilli
	} else if g.one(3) {
		end = w.end + uint64(1+g.random.Int64N(int64(2*time.Millisecond)))
	}
	window := Window{Stream: w.stream, Start: w.end, Time: end, Value: g.value(w)}
	switch g.random.IntN(6) {
	case 0: // a gap
		window.Start += (end - w.end) / 3
	case 1: // an overlap
		window.Start -= min(uint64(time.Second), window.Start/2)
		if g.hazards.overlap {
			window.Start -= uint64(time.Minute)
		}
	}
	w.end = end
	g.spoil(&window, w)
	return window, true
}

// spoil gives a window one of the faults of the scenario, now and then.
func (g *generator) spoil(window *Window, w *writer) {
	h := &g.hazards
	if h.exemplars && g.one(2) {
		window.Exemplar = 1 + g.random.Int64N(1_000_000)
	}
	if window.Value.isDistribution() {
		g.spoilHistogram(window)
		return
	}
	faults := []struct {
		on    bool
		apply func()
	}{
		{h.noStart, func() { window.Start = 0 }},
		{h.startAfterTime, func() { window.Start = window.Time + uint64(time.Hour) }},
		{h.noTime, func() { window.Time = 0 }},
		{h.notANumber, func() { window.Value = double([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}[g.random.IntN(3)]) }},
		{h.negative, func() { window.Value = g.negated(window.Value) }},
		{h.unrecorded, func() {
			window.Unrecorded = true
			if g.one(2) {
				window.Value = Value{}
			}
		}},
		{h.typeChange, func() { w.double = !w.double }},
		{h.bigIntegers, func() { window.Value = integer(math.MaxInt64/2 + g.random.Int64N(1000)) }},
		{h.bigDoubles, func() { window.Value = double(math.MaxFloat64 * 0.75) }},
	}
	for _, fault := range faults {
		if fault.on && g.one(4) {
			fault.apply()
			return
		}
	}
}

func (g *generator) negated(v Value) Value {
	if v.isInt() {
		return integer(-v.Int)
	}
	return double(-v.Double)
}

// value is an increment. Different windows of a stream practically never have the same, but 0 is among them.
func (g *generator) value(w *writer) Value {
	if w.stream.Histogram != notHistogram {
		return g.histogram(w)
	}
	if g.one(10) {
		if w.double {
			return double(0)
		}
		return integer(0)
	}
	amount := 1 + g.random.Int64N(1_000_000_000)
	if !w.stream.Monotonic && g.one(2) {
		amount = -amount
	}
	if w.double {
		return double(float64(amount) / 1e6)
	}
	return integer(amount)
}

// holdBack keeps some windows for a later request.
func (g *generator) holdBack(made []Window) []Window {
	if !g.hazards.late {
		return made
	}
	return slices.DeleteFunc(made, func(w Window) bool {
		if g.one(4) {
			g.held = append(g.held, w)
			return true
		}
		return false
	})
}

// release lets windows go that were kept.
func (g *generator) release() []Window {
	if g.one(2) {
		return nil
	}
	released := g.held
	g.held = nil
	return released
}

// again picks windows of a client that were sent before: of the last four, or an older one; and windows of a second
// process that end when another ends.
func (g *generator) again(w *writer) []Window {
	var windows []Window
	recent := w.sent[max(0, len(w.sent)-windowsRemembered+1):]
	if g.hazards.rebatch && len(recent) > 0 && g.one(2) {
		windows = append(windows, recent[g.random.IntN(len(recent))])
	}
	if old := len(w.sent) - windowsRemembered - 1; g.hazards.oldWindow && old >= 0 && g.one(2) {
		windows = append(windows, w.sent[old])
	}
	if g.hazards.twoWriters && len(recent) > 0 && g.one(3) {
		tied := recent[len(recent)-1]
		tied.Value = g.value(&writer{stream: w.stream, double: w.double})
		windows = append(windows, tied)
	}
	return windows
}

// order puts the windows of a request into the order in which they arrive.
func (g *generator) order(windows []Window) {
	switch {
	case g.hazards.newestFirst && g.one(2):
		slices.Reverse(windows)
	case g.hazards.newestFirst && g.one(2):
		g.random.Shuffle(len(windows), func(i, j int) { windows[i], windows[j] = windows[j], windows[i] })
	}
}
