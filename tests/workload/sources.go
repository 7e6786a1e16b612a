package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/synthetic"
)

// captured repeats the metrics requests of recorded sessions for ever, each with times that are now.
type captured struct {
	tb       testing.TB
	requests []capture.Request
	trimmed  []string
	next     int
}

// Captured makes requests out of recorded ones. The sessions stay the same, so their totals grow with each round.
func Captured(tb testing.TB, c capture.Capture, trimmed []string) Source {
	return &captured{tb, c.InOrderOfTime(tb), trimmed, 0}
}

// Next is the next recorded request. Its windows keep their lengths and end now.
func (c *captured) Next() (Request, error) {
	recorded := c.requests[c.next%len(c.requests)]
	c.next++
	shifted := capture.Shift(c.tb, recorded, time.Since(capture.Time(c.tb, recorded)))
	decoded, err := shifted.MetricsRequest()
	if err != nil {
		return Request{}, err
	}
	return newRequest(decoded.Metrics(), c.trimmed, nil)
}

// generated makes requests with every kind of metric.
type generated struct {
	random  *rand.Rand
	source  synthetic.Source
	labels  map[string]string // of the series, without what is trimmed
	trimmed []string
	last    time.Time // the end of the last window
	members [2]*member
	wait    synthetic.Explicit // of the cumulative histogram, since `from`
	from    time.Time
}

// member is a process that sends totals since its start.
type member struct {
	started time.Time
	total   float64
}

// bounds are those of the explicit histograms.
var bounds = []float64{1, 5, 10, 50}

// scale is that of the exponential histograms.
const scale = 3

// Generated makes requests of an agent, which is the value of the attribute `sender`: sums of whole numbers and of
// decimals as deltas, sums of two cumulative processes that restart now and then, and histograms of both kinds. All
// that it sends begins after this call.
func Generated(seed uint64, sender string, trimmed []string) Source {
	g := &generated{
		random:  rand.New(rand.NewPCG(seed, 1)),
		source:  synthetic.Source{Resource: map[string]string{"service.name": "agent"}, Attributes: map[string]string{"sender": sender}},
		labels:  map[string]string{"sender": sender},
		trimmed: trimmed,
		last:    time.Now(),
	}
	for _, name := range trimmed {
		delete(g.labels, name)
	}
	return g
}

// Next makes a request whose windows begin where the last ones ended.
func (g *generated) Next() (Request, error) {
	now := time.Now()
	for !now.After(g.last) {
		now = now.Add(time.Nanosecond)
	}
	w := synthetic.Window{Start: g.last, End: now}
	g.last = now
	request := g.source.Request()
	explicit, exponential := synthetic.NewExplicit(bounds...), synthetic.Exponential{Scale: scale}
	for range 1 + g.random.IntN(5) {
		explicit.Observe(float64(g.random.IntN(100)))
		exponential.Observe(scale, g.random.IntN(40))
	}
	request.
		Whole("agent.usage", w, 1+g.random.Int64N(5000), "type", "input").
		Whole("agent.usage", w, g.random.Int64N(3), "type", "output").
		Sum("agent.cost", synthetic.Delta, w, float64(1+g.random.IntN(1000))*0.000003).
		Explicit("agent.latency", synthetic.Delta, w, explicit).
		Exponential("agent.size", synthetic.Delta, w, exponential)
	more := capture.Totals{}
	for i := range g.members {
		g.addMember(request, more, i, now)
	}
	g.addWait(request, more, now)
	return newRequest(request.Metrics(), g.trimmed, more)
}

// addMember adds the total of a process, which is a new one every thirty requests or so. It says what that total grew
// by.
func (g *generated) addMember(request *synthetic.Request, more capture.Totals, i int, now time.Time) {
	if g.members[i] == nil || g.random.IntN(30) == 0 {
		g.members[i] = &member{started: now.Add(-time.Nanosecond)}
	}
	grown := float64(g.random.IntN(20))
	g.members[i].total += grown
	request.Sum("agent.requests", synthetic.Cumulative, synthetic.Window{Start: g.members[i].started, End: now},
		g.members[i].total, "process", fmt.Sprint(i))
	more[capture.Key("agent.requests", with(g.labels, "process", fmt.Sprint(i)))] += grown
}

// addWait adds a cumulative histogram, which starts anew every thirty requests or so.
func (g *generated) addWait(request *synthetic.Request, more capture.Totals, now time.Time) {
	if g.from.IsZero() || g.random.IntN(30) == 0 {
		g.wait, g.from = synthetic.NewExplicit(bounds...), now.Add(-time.Nanosecond)
	}
	grown := synthetic.NewExplicit(bounds...)
	for range g.random.IntN(3) {
		value := float64(g.random.IntN(100))
		grown.Observe(value)
		g.wait.Observe(value)
	}
	sent := g.wait
	sent.Counts = slices.Clone(sent.Counts)
	request.Explicit("agent.wait", synthetic.Cumulative, synthetic.Window{Start: g.from, End: now}, sent)
	only := g.source.Request().Explicit("agent.wait", synthetic.Delta, synthetic.Window{Start: g.from, End: now}, grown)
	addTo(more, deltas(one(only.Metrics()), g.trimmed))
}

func one(md pmetric.Metrics) pmetric.Metric {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
}

func with(labels map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for name, value := range labels {
		out[name] = value
	}
	return out
}

// even makes requests that add 1 to each of its series.
type even struct {
	source synthetic.Source
	series int
	last   time.Time
}

// Even makes requests that add 1 token to each of a number of series of a sender: what counted a request in part would
// show.
func Even(sender string, series int) Source {
	return &even{synthetic.Source{
		Resource: map[string]string{"service.name": "agent"}, Attributes: map[string]string{"sender": sender},
	}, series, time.Now()}
}

// Next makes a request whose window begins where the last one ended.
func (e *even) Next() (Request, error) {
	w := synthetic.Window{Start: e.last, End: time.Now()}
	e.last = w.End
	request := e.source.Request()
	for i := range e.series {
		request.Whole("claude_code.token.usage", w, 1, "type", "input", "place", fmt.Sprint(i))
	}
	return newRequest(request.Metrics(), nil, nil)
}
