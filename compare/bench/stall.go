package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"golang.org/x/sys/unix"
)

// stallChunk is how many requests are made in advance; then Go's collector finishes, then they are sent.
const stallChunk = 10_000

// grow sends requests of new streams only and times each of them.
func grow(subject string, c StallCase) (*StallResult, error) {
	p, err := startSubject(subject, PopulateCase{Shape: plain, Streams: c.Streams}, "", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Shutdown(context.Background()) }()
	runtime.LockOSThread() // CPU time is that of the thread
	defer runtime.UnlockOSThread()
	calls := c.Streams / c.Batch
	g := &growth{processor: p, shape: c, mill: newMill(plain, c.Batch), walk: newWalk(0, c.Streams, false, 0)}
	g.wall, g.cpu = make([]int64, 0, calls), make([]int64, 0, calls)
	g.walk.begin(c.Streams, c.Batch)
	for len(g.wall) < calls {
		if err := g.chunk(min(stallChunk, calls-len(g.wall))); err != nil {
			return nil, err
		}
	}
	return g.result(subject), nil
}

type growth struct {
	processor processor.Metrics
	shape     StallCase
	mill      *mill
	walk      *walk
	requests  []pmetric.Metrics
	wall, cpu []int64
}

// chunk sends some requests. Without the collector, it is off until the last of them was sent: what remains is the
// processor's own work, growth of its tables above all.
func (g *growth) chunk(calls int) error {
	g.requests = g.requests[:0]
	for range calls {
		md, err := g.mill.request(g.walk.visits(g.shape.Batch))
		if err != nil {
			return err
		}
		g.requests = append(g.requests, md)
	}
	if !g.shape.Collector {
		runtime.GC()
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
	}
	for _, md := range g.requests {
		if err := g.call(md); err != nil {
			return err
		}
	}
	return nil
}

func (g *growth) call(md pmetric.Metrics) error {
	cpu, err := threadCPU()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := g.processor.ConsumeMetrics(context.Background(), md); err != nil {
		return err
	}
	g.wall = append(g.wall, int64(time.Since(began)))
	after, err := threadCPU()
	g.cpu = append(g.cpu, after-cpu)
	return err
}

func (g *growth) result(subject string) *StallResult {
	total := int64(0)
	for _, nanos := range g.wall {
		total += nanos
	}
	result := &StallResult{
		StallCase: g.shape,
		Subject:   subject,
		PerPoint:  float64(total) / float64(len(g.wall)*g.shape.Batch),
		Wall:      spreadOf(g.wall),
		CPU:       spreadOf(g.cpu),
	}
	result.Control = control(result.Wall.Calls, time.Duration(result.Wall.P50))
	return result
}

// control does nothing as often and as long as the calls that were measured: what its longest call shows is the
// machine, which takes the processor away now and then.
func control(calls int, each time.Duration) Spread {
	durations := make([]int64, calls)
	for i := range durations {
		began := time.Now()
		for time.Since(began) < each {
		}
		durations[i] = int64(time.Since(began))
	}
	return spreadOf(durations)
}

// threadCPU is the time that this thread has had, in nanoseconds.
func threadCPU() (int64, error) {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now)
	return now.Nano(), err
}
