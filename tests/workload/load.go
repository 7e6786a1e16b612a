package workload

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// Load is a number of senders, and the truth about what they sent.
type Load struct {
	tb      testing.TB
	pause   time.Duration // between two requests of a sender, at most
	senders sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond // of what follows
	paused   bool
	ending   bool // no further requests; those that are not acknowledged yet are still sent
	aborted  bool // nothing at all any more
	busy     int  // attempts that wait for an answer
	taken    capture.Totals
	inFlight map[int]capture.Totals // by sender: sent at least once, not yet acknowledged
	counts   Counts
}

// Counts tell how much happened, for the log of a test.
type Counts struct {
	// Acknowledged are requests. Repeated are those of them that were sent again afterwards.
	Acknowledged, Repeated int
	// Unanswered are attempts that ended without an answer, Refused those that were answered with a retryable status.
	Unanswered, Refused int
}

// Start begins a load with one sender for each source, paused. Each sends over HTTP and gRPC in turns without plan,
// and waits up to `pause` between requests.
func Start(tb testing.TB, collector *harness.Collector, seed uint64, pause time.Duration, sources ...Source) *Load {
	tb.Helper()
	l := &Load{tb: tb, pause: pause, paused: true, taken: capture.Totals{}, inFlight: map[int]capture.Totals{}}
	l.changed = sync.NewCond(&l.mu)
	for i, source := range sources {
		s := &sender{
			load: l, number: i, source: source, random: rand.New(rand.NewPCG(seed, uint64(i))),
			clients: []*harness.Client{collector.Client(tb, harness.HTTPProtobuf), collector.Client(tb, harness.GRPC)},
		}
		l.senders.Go(s.run)
	}
	tb.Cleanup(func() {
		l.set(func() { l.aborted = true })
		l.senders.Wait()
	})
	return l
}

// Resume lets the senders send.
func (l *Load) Resume() { l.set(func() { l.paused = false }) }

// Pause returns when no request is on its way. Those that were not acknowledged are sent again after Resume.
func (l *Load) Pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = true
	for l.busy > 0 {
		l.changed.Wait()
	}
}

// Finish lets the senders send what is not acknowledged yet, until it is, and nothing new.
func (l *Load) Finish() {
	l.set(func() { l.ending, l.paused = true, false })
	l.senders.Wait()
}

// Counts are those so far.
func (l *Load) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// Bounds are what is acknowledged, and what each request would add that is not. Right after Pause a collector must have
// counted the first, and of the second any.
func (l *Load) Bounds() (acknowledged capture.Totals, inFlight []capture.Totals) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.taken), slices.Collect(maps.Values(l.inFlight))
}

func (l *Load) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.changed.Broadcast()
}

// enter waits until a sender may send, and says false when it has to end.
func (l *Load) enter(isNew bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.paused && !l.aborted {
		l.changed.Wait()
	}
	if l.aborted || isNew && l.ending {
		return false
	}
	l.busy++
	return true
}

func (l *Load) leave(note func()) {
	l.set(func() {
		l.busy--
		note()
	})
}
