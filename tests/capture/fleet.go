package capture

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// FleetSize is the number of clones of a session in a Fleet.
const FleetSize = 20

// exportInterval is how often the recorded clients export.
const exportInterval = time.Second

// Fleet says how clones of one session arrive: each at a phase of the export interval of its own, each request with a
// delay of its own. Two clones share their phase, as clients do now and then whose times are whole milliseconds: their
// windows tie in start, time and value.
type Fleet struct {
	Seed   uint64
	Jitter time.Duration // requests are delayed by up to this long
}

// String names the fleet.
func (f Fleet) String() string { return fmt.Sprintf("seed %d, jitter %v", f.Seed, f.Jitter) }

// Fleets are those whose losses in the usual chains are known: six seeds, four jitters.
func Fleets() []Fleet {
	var out []Fleet
	for _, jitter := range []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond} {
		for _, seed := range []uint64{1, 2, 3, 4, 5, 7} {
			out = append(out, Fleet{seed, jitter})
		}
	}
	return out
}

// Arrivals returns the requests of a fleet of clones of the capture's first session, in the order in which they
// arrive. The clones begin at a moment; their session ids differ, and each point says in the attribute `fleet` which
// fleet it belongs to. Whoever sends them need not wait in between: what the processors see of a delay is the order.
func (c Capture) Arrivals(tb testing.TB, f Fleet, begin time.Time) []pmetric.Metrics {
	tb.Helper()
	type arrival struct {
		at      time.Time
		request pmetric.Metrics
	}
	var arrivals []arrival
	random := rand.New(rand.NewPCG(f.Seed, 0))
	original := c.firstSession(tb)
	shift := begin.Sub(Time(tb, original[0]))
	phase := time.Duration(0)
	for clone := range FleetSize {
		if clone != 1 { // the second shares the phase of the first
			phase = time.Duration(random.Int64N(exportInterval.Milliseconds())) * time.Millisecond
		}
		for _, request := range original {
			request.Body = bytes.ReplaceAll(request.Body, []byte(c.Sessions[0].ID), []byte(sessionID(fmt.Sprint(f, clone), c.Sessions[0].ID)))
			shifted := Shift(tb, request, shift+phase)
			decoded, err := shifted.MetricsRequest()
			require.NoError(tb, err)
			EachPoint(decoded.Metrics(), func(_ pmetric.Metric, p pmetric.NumberDataPoint) { p.Attributes().PutStr("fleet", f.String()) })
			delay := time.Duration(random.Int64N(int64(f.Jitter) + 1))
			arrivals = append(arrivals, arrival{Time(tb, shifted).Add(delay), decoded.Metrics()})
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	out := make([]pmetric.Metrics, 0, len(arrivals))
	for _, a := range arrivals {
		out = append(out, a.request)
	}
	return out
}

// firstSession returns the metrics requests of the first session, in order of time.
func (c Capture) firstSession(tb testing.TB) []Request {
	tb.Helper()
	var out []Request
	for _, request := range c.InOrderOfTime(tb) {
		if sessionOf(tb, request) == c.Sessions[0].ID {
			out = append(out, request)
		}
	}
	require.NotEmpty(tb, out, "requests of the first session of %s", c.Name)
	return out
}

// FleetTotals is the truth of a fleet by series, without the session ids.
func (c Capture) FleetTotals(tb testing.TB, f Fleet) Totals {
	tb.Helper()
	out := Totals{}
	for _, request := range c.firstSession(tb) {
		decoded, err := request.MetricsRequest()
		require.NoError(tb, err)
		EachPoint(decoded.Metrics(), func(m pmetric.Metric, p pmetric.NumberDataPoint) {
			p.Attributes().PutStr("fleet", f.String())
			p.Attributes().Remove("session.id")
			out[Key(m.Name(), labels(p.Attributes()))] += FleetSize * value(p)
		})
	}
	return out
}
