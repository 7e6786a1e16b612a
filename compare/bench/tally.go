package main

import (
	"context"
	"errors"
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

// work is a request with the number of points that must leave the processor.
type work struct {
	md     pmetric.Metrics
	leaves int
}

// send lets each lane's goroutine send its requests, and times that.
func (t *tally) send(p processor.Metrics, kind shape, lanes [][]work) error {
	sent := 0
	for _, lane := range lanes {
		for _, w := range lane {
			sent += w.md.DataPointCount()
		}
	}
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
	if err == nil {
		err = verify(kind, lanes)
	}
	t.points += sent
	if first {
		t.allocations, t.bytes, t.countedPoints = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc, sent
	}
	return err
}

func sendAll(p processor.Metrics, lanes [][]work) error {
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

func sendLane(p processor.Metrics, lane []work) error {
	for _, w := range lane {
		if err := p.ConsumeMetrics(context.Background(), w.md); err != nil {
			return err
		}
	}
	return nil
}

// verify makes sure that the work was done.
func verify(kind shape, lanes [][]work) error {
	for _, lane := range lanes {
		for _, w := range lane {
			if err := kind.verify(w.md, w.leaves); err != nil {
				return err
			}
		}
	}
	return nil
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
