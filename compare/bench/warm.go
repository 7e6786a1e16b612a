package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
)

// populateBatch is the size of the requests that make streams.
const populateBatch = 1000

// warmBench is a processor with streams that exist already.
type warmBench struct {
	processor processor.Metrics
	streams   int
	mills     map[int]*mill
	// walks are those of the case at hand, one for each goroutine; they go on from round to round.
	walks []*walk
	shape WarmCase
	// latest is the end of the last window of any stream.
	latest time.Time
}

func newWarmBench(subject string, streams int) (*warmBench, error) {
	p, err := startSubject(subject, streams, nil)
	if err != nil {
		return nil, err
	}
	b := &warmBench{processor: p, streams: streams, mills: map[int]*mill{}, latest: time.Now()}
	return b, b.populate()
}

// populate lets each stream have its first point.
func (b *warmBench) populate() error {
	w := b.walk(0, b.streams, false)
	w.begin(b.streams)
	for made := 0; made < b.streams; made += populateBatch {
		md, err := b.request(w, min(populateBatch, b.streams-made))
		if err == nil {
			err = b.processor.ConsumeMetrics(context.Background(), md)
		}
		if err != nil {
			return err
		}
	}
	b.latest = w.end
	return nil
}

func (b *warmBench) walk(first, count int, random bool) *walk {
	w := newWalk(first, count, random, uint64(b.streams))
	w.end = b.latest
	return w
}

// request makes a request for the next visits of a walk.
func (b *warmBench) request(w *walk, batch int) (pmetric.Metrics, error) {
	if b.mills[batch] == nil {
		b.mills[batch] = newMill(batch)
	}
	places := make([]place, batch)
	for i := range places {
		places[i] = w.next()
	}
	return b.mills[batch].request(places)
}

// round prepares its requests, lets Go's collector finish with what that left, and times the ConsumeMetrics calls
// alone: one reading of the clock before the first and one after the last of thousands.
func (b *warmBench) round(shape WarmCase) (*Round, error) {
	lanes, err := b.prepare(shape)
	if err != nil {
		return nil, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := processCPU()
	wall, err := b.send(lanes)
	cpu = processCPU() - cpu
	runtime.ReadMemStats(&after)
	if err != nil {
		return nil, err
	}
	sent, err := verify(lanes, shape.Batch)
	if err != nil {
		return nil, err
	}
	per := func(total float64) float64 { return total / float64(sent) }
	return &Round{
		Nanos:       per(float64(wall)),
		CPUNanos:    per(float64(cpu)),
		Allocations: per(float64(after.Mallocs - before.Mallocs)),
		Bytes:       per(float64(after.TotalAlloc - before.TotalAlloc)),
	}, nil
}

// prepare makes the requests of each goroutine. Goroutines have streams of their own, or the order in which they get
// on would decide which point of a stream is late.
func (b *warmBench) prepare(shape WarmCase) ([][]pmetric.Metrics, error) {
	if b.walks == nil || b.shape != shape {
		b.shape, b.walks = shape, nil
		count := b.streams / shape.Goroutines
		for i := range shape.Goroutines {
			b.walks = append(b.walks, b.walk(i*count, count, shape.Random))
		}
	}
	lanes := make([][]pmetric.Metrics, shape.Goroutines)
	for i, w := range b.walks {
		requests := max(shape.Points/shape.Goroutines/shape.Batch, 1)
		w.begin(requests * shape.Batch)
		for range requests {
			md, err := b.request(w, shape.Batch)
			if err != nil {
				return nil, err
			}
			lanes[i] = append(lanes[i], md)
		}
		if w.end.After(b.latest) {
			b.latest = w.end
		}
	}
	return lanes, nil
}

// send lets each lane's goroutine send its requests one after the other, and returns how long that took altogether.
func (b *warmBench) send(lanes [][]pmetric.Metrics) (time.Duration, error) {
	errs := make([]error, len(lanes))
	lane := func(i int) {
		for _, md := range lanes[i] {
			if err := b.processor.ConsumeMetrics(context.Background(), md); err != nil {
				errs[i] = err
				return
			}
		}
	}
	began := time.Now()
	if len(lanes) == 1 {
		lane(0)
		return time.Since(began), errs[0]
	}
	var group sync.WaitGroup
	for i := range lanes {
		group.Go(func() { lane(i) })
	}
	group.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return took, nil
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

// end stops the processor; what it would still say is of no interest.
func (b *warmBench) end() {
	_ = b.processor.Shutdown(context.Background())
}

// processCPU is the time that all threads of this process have had.
func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
