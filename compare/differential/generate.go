package differential

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// hazards are the irregularities that a scenario has. Each scenario has a few, so that plain ones occur as well.
type hazards struct {
	late, newestFirst, twoWriters, overlap        bool
	noStart, startAfterTime, noTime, subMilli     bool
	notANumber, negative, unrecorded, typeChange  bool
	bigIntegers, bigDoubles, exemplars, beginning bool
	clockAhead, clockBehind                       bool
	retry, rebatch, oldWindow, refuse             bool
	extra, hollow                                 bool
	boundsChange, scaleChange, thresholds, wide   bool
	malformed, emptyHistogram, noSummary          bool
	bigCounts                                     bool
}

// profile is a kind of scenario that needs rules of its own.
type profile int

const (
	// profilePlain has no pauses and no limit.
	profilePlain profile = iota
	// profileForgotten has a pause after which all streams are forgotten (L1).
	profileForgotten
	// profileLimited has fewer places than streams (T5).
	profileLimited
)

// generator makes one scenario.
type generator struct {
	random   *rand.Rand
	hazards  hazards
	profile  profile
	scenario *Scenario
	writers  []*writer
	// held are windows that arrive later than they should.
	held []Window
	// sent are the requests so far that may come again.
	sent []Request
	now  time.Duration
}

// generate makes scenario number of a seed: the same again for the same two numbers.
func generate(seed, number uint64) *Scenario {
	g := &generator{random: rand.New(rand.NewPCG(seed, number))}
	g.scenario = &Scenario{
		Name:       fmt.Sprintf("seed %d, scenario %d", seed, number),
		MaxStale:   24 * time.Hour,
		MaxStreams: 1000,
	}
	if g.one(2) {
		g.scenario.MaxLag = 5 * time.Minute
	}
	g.choose(number)
	g.makeWriters()
	if g.profile == profileLimited { // overflow streams have as much room again
		g.scenario.MaxStreams = (len(g.writers) + 1) / 2
	}
	g.requests(8 + g.random.IntN(12))
	if g.profile == profileForgotten {
		g.pause()
		g.requests(4)
	}
	g.end()
	return g.scenario
}

func (g *generator) one(of int) bool { return g.random.IntN(of) == 0 }

// wait lets time pass, at least and at most that long, to a moment in whole milliseconds at which there is no tick.
func (g *generator) wait(least, most time.Duration) {
	g.now += least + time.Duration(g.random.Int64N(int64(most-least+1))).Truncate(time.Millisecond)
	if g.now%tickEvery == 0 {
		g.now += 7 * time.Millisecond
	}
}

// end says when both processors shut down: after a tick, or before there is one (L5).
func (g *generator) end() {
	last := g.now
	if g.one(4) {
		g.wait(5*time.Millisecond, 20*time.Millisecond)
	} else {
		g.wait(2*time.Second, 3*time.Second)
	}
	g.scenario.Rest = g.now - last
}

// choose picks the profile and the hazards. Profiles leave out what they could not predict: which of two new streams
// finds the last place depends on token_ledger's random key, and so does which streams share what is left of
// forgotten ones.
func (g *generator) choose(number uint64) {
	h := &g.hazards
	for _, hazard := range []*bool{
		&h.late, &h.newestFirst, &h.twoWriters, &h.overlap, &h.noStart, &h.startAfterTime, &h.noTime, &h.subMilli,
		&h.notANumber, &h.negative, &h.unrecorded, &h.typeChange, &h.bigIntegers, &h.bigDoubles, &h.exemplars,
		&h.beginning, &h.clockAhead, &h.clockBehind, &h.retry, &h.rebatch, &h.oldWindow, &h.refuse, &h.extra, &h.hollow,
		&h.boundsChange, &h.scaleChange, &h.thresholds, &h.wide, &h.malformed, &h.emptyHistogram, &h.noSummary, &h.bigCounts,
	} {
		*hazard = g.one(6)
	}
	if h.wide {
		h.thresholds = false // contrib's processor panics at negative scales with thresholds, see hostile_test.go
	}
	switch number % 8 {
	default:
		g.profile = profilePlain
	case 1:
		g.profile = profileForgotten
		g.scenario.MaxStale = 10 * time.Minute
		*h = hazards{late: h.late, newestFirst: h.newestFirst, exemplars: h.exemplars, typeChange: h.typeChange, retry: true}
	case 2:
		g.profile = profileLimited
		*h = hazards{newestFirst: h.newestFirst, overlap: h.overlap, exemplars: h.exemplars, typeChange: h.typeChange, retry: h.retry}
	}
}

// requests adds requests that arrive one after the other.
func (g *generator) requests(count int) {
	for range count {
		g.wait(50*time.Millisecond, 8*time.Second)
		if repeated, ok := g.repeat(); ok {
			g.send(repeated)
			continue
		}
		request := Request{
			Scattered: g.one(2),
			Windows:   g.body(),
			Refused:   g.hazards.refuse && g.one(3),
			Extra:     g.hazards.extra && g.one(3),
			Hollow:    g.hazards.hollow && g.one(3),
		}
		if len(request.Windows) > 0 {
			g.send(request)
			g.sent = append(g.sent, request)
		}
	}
}

// send lets a request arrive now. The sender of a refused one comes again.
func (g *generator) send(r Request) {
	r.At = g.now
	g.scenario.Requests = append(g.scenario.Requests, r)
	if r.Refused {
		g.wait(50*time.Millisecond, 2*time.Second)
		r.Refused = false
		r.At = g.now
		g.scenario.Requests = append(g.scenario.Requests, r)
	}
}

// repeat picks a request that comes again as it was.
func (g *generator) repeat() (Request, bool) {
	if !g.hazards.retry || len(g.sent) == 0 || !g.one(4) {
		return Request{}, false
	}
	r := g.sent[g.random.IntN(len(g.sent))]
	r.Refused = false
	return r, true
}

// pause lets all streams be forgotten (L1): max_stale, then a minute in which both processors look for idle streams,
// and some more. What comes later begins later.
func (g *generator) pause() {
	g.held = nil
	g.wait(g.scenario.MaxStale+3*time.Minute, g.scenario.MaxStale+4*time.Minute)
	for _, w := range g.writers {
		w.end = g.wall()
	}
}

// wall is the time of the scenario on a right clock, in Unix nanoseconds.
func (g *generator) wall() uint64 { return uint64(begin.Add(g.now).UnixNano()) }
