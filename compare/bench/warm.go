package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
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
	// kept are the requests of a case that uses them again.
	kept []pmetric.Metrics
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
	return b.mills[batch].request(visits(w, batch))
}

func visits(w *walk, count int) []place {
	places := make([]place, count)
	for i := range places {
		places[i] = w.next()
	}
	return places
}

// chunkPoints is how many points each goroutine sends between two readings of the clock: few enough to be still in
// the processor's caches after they were made, as behind a receiver. Two goroutines need more, because they take a
// moment to get going.
func chunkPoints(goroutines int) int {
	if goroutines == 1 {
		return 1000
	}
	return 5000
}

// round times ConsumeMetrics calls and nothing else: it makes some requests, reads the clock, sends them, reads the
// clock, and so on. Go's collector works before the round and not during it, or what the making of requests leaves
// behind would burden the calls.
func (b *warmBench) round(shape WarmCase) (*Round, error) {
	b.turnTo(shape)
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	chunk := max(chunkPoints(shape.Goroutines)/shape.Batch, 1)
	rest := max(shape.Points/shape.Goroutines/shape.Batch, 1)
	for _, w := range b.walks {
		w.begin(rest * shape.Batch)
	}
	t := &tally{}
	for ; rest > 0; rest -= chunk {
		lanes, err := b.prepare(min(chunk, rest))
		if err == nil {
			err = t.send(b.processor, lanes, shape.Batch)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, w := range b.walks {
		b.latest = maxTime(b.latest, w.end)
	}
	return t.perPoint(), nil
}

// turnTo begins walks for a case if it is another one than before. Goroutines have streams of their own, or the order
// in which they get on would decide which point of a stream is late.
func (b *warmBench) turnTo(shape WarmCase) {
	if b.walks != nil && b.shape == shape {
		return
	}
	b.shape, b.walks, b.kept = shape, nil, nil
	count := b.streams / shape.Goroutines
	for i := range shape.Goroutines {
		b.walks = append(b.walks, b.walk(i*count, count, shape.Random))
	}
}

// prepare makes some requests for each goroutine.
func (b *warmBench) prepare(requests int) ([][]pmetric.Metrics, error) {
	lanes := make([][]pmetric.Metrics, len(b.walks))
	if b.shape.Reused {
		var err error
		lanes[0], err = b.reuse(requests)
		return lanes, err
	}
	for i, w := range b.walks {
		for range requests {
			md, err := b.request(w, b.shape.Batch)
			if err != nil {
				return nil, err
			}
			lanes[i] = append(lanes[i], md)
		}
	}
	return lanes, nil
}

// reuse makes kept requests new in place, and makes them at first. Each pass over the streams finds every stream in
// the request in which it was before, because passes are in order and requests divide them evenly.
func (b *warmBench) reuse(requests int) ([]pmetric.Metrics, error) {
	w := b.walks[0]
	if b.shape.Random || len(b.walks) > 1 || requests*b.shape.Batch != len(w.order) {
		return nil, fmt.Errorf("%+v cannot reuse requests", b.shape)
	}
	for i := range requests {
		if i < len(b.kept) {
			rewind(b.kept[i], visits(w, b.shape.Batch))
			continue
		}
		md, err := b.request(w, b.shape.Batch)
		if err != nil {
			return nil, err
		}
		b.kept = append(b.kept, md)
	}
	return b.kept, nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// end stops the processor; what it would still say is of no interest.
func (b *warmBench) end() {
	_ = b.processor.Shutdown(context.Background())
}
