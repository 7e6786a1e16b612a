package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
)

// tally adds up what the timed calls of a round took.
type tally struct {
	wall, cpu time.Duration
	points    int
	// allocations and bytes are those of the first chunk, which has this many points: reading them stops all threads,
	// which is better not done between timed calls more often than needed.
	allocations, bytes uint64
	countedPoints      int
}

// send lets each lane's goroutine send its requests, and times that.
func (t *tally) send(p processor.Metrics, lanes [][]pmetric.Metrics, batch int) error {
	first := t.points == 0
	var before, after runtime.MemStats
	if first {
		runtime.ReadMemStats(&before)
	}
	cpu, began := processCPU(), time.Now()
	err := sendAll(p, lanes)
	t.wall += time.Since(began)
	t.cpu += processCPU() - cpu
	if first {
		runtime.ReadMemStats(&after)
	}
	if err != nil {
		return err
	}
	sent, err := verify(lanes, batch)
	t.points += sent
	if first {
		t.allocations, t.bytes, t.countedPoints = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc, sent
	}
	return err
}

func sendAll(p processor.Metrics, lanes [][]pmetric.Metrics) error {
	if len(lanes) == 1 {
		return sendLane(p, lanes[0])
	}
	errs := make([]error, len(lanes))
	var group sync.WaitGroup
	for i := range lanes {
		group.Go(func() { errs[i] = sendLane(p, lanes[i]) })
	}
	group.Wait()
	return errors.Join(errs...)
}

func sendLane(p processor.Metrics, lane []pmetric.Metrics) error {
	for _, md := range lane {
		if err := p.ConsumeMetrics(context.Background(), md); err != nil {
			return err
		}
	}
	return nil
}

// verify makes sure that the work was done: every point left, as a total.
func verify(lanes [][]pmetric.Metrics, batch int) (int, error) {
	sent := 0
	for _, lane := range lanes {
		for _, md := range lane {
			if md.DataPointCount() != batch {
				return 0, fmt.Errorf("%d of %d points left", md.DataPointCount(), batch)
			}
			sum := sumOf(md)
			last := sum.DataPoints().At(batch - 1)
			if sum.AggregationTemporality() != pmetric.AggregationTemporalityCumulative || last.DoubleValue() < 2*increment {
				return 0, fmt.Errorf("a point left as %s %v", sum.AggregationTemporality(), last.DoubleValue())
			}
			sent += batch
		}
	}
	return sent, nil
}

func (t *tally) perPoint() *Round {
	return &Round{
		Nanos:       float64(t.wall) / float64(t.points),
		CPUNanos:    float64(t.cpu) / float64(t.points),
		Allocations: float64(t.allocations) / float64(t.countedPoints),
		Bytes:       float64(t.bytes) / float64(t.countedPoints),
	}
}

// processCPU is the time that all threads of this process have had.
func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
