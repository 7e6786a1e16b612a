package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	kind      shape
	streams   int
	mills     map[int]*mill
	// walks are those of the case at hand, one for each goroutine; they go on from round to round.
	walks []*walk
	shape WarmCase
	// kept are the requests of a case that uses them again, pristine what they were before anything was trimmed.
	kept, pristine []pmetric.Metrics
	// directory goes away with the processor, if it is not empty.
	directory string
	// latest is the end of the last window of any stream.
	latest time.Time
}

// newWarmBench starts a processor; a ledger lies in a directory of its own.
func newWarmBench(subject string, c PopulateCase) (*warmBench, error) {
	if c.Ledger == "" {
		return newWarmBenchIn("", subject, c)
	}
	directory, err := os.MkdirTemp("", "ledger")
	if err != nil {
		return nil, err
	}
	b, err := newWarmBenchIn(directory, subject, c)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	b.directory = directory
	return b, nil
}

func newWarmBenchIn(directory, subject string, c PopulateCase) (*warmBench, error) {
	p, err := startSubject(subject, c, directory, nil)
	if err != nil {
		return nil, err
	}
	b := &warmBench{processor: p, kind: c.Shape, streams: c.Streams, mills: map[int]*mill{}, latest: time.Now()}
	if c.Shape == trimmed {
		b.latest = b.latest.Add(-reach)
	}
	return b, b.populate()
}

// populate lets each stream have its first point.
func (b *warmBench) populate() error {
	w := b.walk(0, b.streams, false)
	w.begin(b.streams, populateBatch)
	for made := 0; made < b.streams; made += populateBatch {
		md, err := b.request(w.visits(min(populateBatch, b.streams-made)))
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
	w.end, w.stepped = b.latest, b.kind == trimmed
	return w
}

// request makes a request for visits of a walk.
func (b *warmBench) request(visits []place) (pmetric.Metrics, error) {
	batch := len(visits)
	if b.mills[batch] == nil {
		b.mills[batch] = newMill(b.kind, batch)
	}
	return b.mills[batch].request(visits)
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
		w.begin(rest*shape.Batch, shape.Batch)
	}
	t := &tally{}
	for ; rest > 0; rest -= chunk {
		lanes, err := b.prepare(min(chunk, rest))
		if err == nil {
			err = t.send(b.processor, b.kind, lanes)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, w := range b.walks {
		b.latest = later(b.latest, w.end)
	}
	return t.perPoint(), nil
}

// turnTo begins walks for a case if it is another one than before. Goroutines have streams of their own, or the order
// in which they get on would decide which point of a stream is late.
func (b *warmBench) turnTo(shape WarmCase) {
	if b.walks != nil && b.shape == shape {
		return
	}
	b.shape, b.walks, b.kept, b.pristine = shape, nil, nil, nil
	count := b.streams / shape.Goroutines
	for i := range shape.Goroutines {
		b.walks = append(b.walks, b.walk(i*count, count, shape.Random))
	}
}

// prepare makes some requests for each goroutine.
func (b *warmBench) prepare(requests int) ([][]work, error) {
	lanes := make([][]work, len(b.walks))
	if b.shape.Reused {
		var err error
		lanes[0], err = b.reuse(requests)
		return lanes, err
	}
	for i, w := range b.walks {
		for range requests {
			visits := w.visits(b.shape.Batch)
			md, err := b.request(visits)
			if err != nil {
				return nil, err
			}
			lanes[i] = append(lanes[i], work{md, b.leaves(visits)})
		}
	}
	return lanes, nil
}

// reuse makes kept requests new in place, and makes them at first. Each pass over the streams finds every stream in
// the request in which it was before, because passes are in order and requests divide them evenly.
func (b *warmBench) reuse(requests int) ([]work, error) {
	w := b.walks[0]
	if b.shape.Random || len(b.walks) > 1 || requests*b.shape.Batch != len(w.order) {
		return nil, fmt.Errorf("%+v cannot reuse requests", b.shape)
	}
	lane := make([]work, 0, requests)
	for i := range requests {
		visits := w.visits(b.shape.Batch)
		if i == len(b.kept) {
			md, err := b.request(visits)
			if err != nil {
				return nil, err
			}
			b.keep(md)
		} else {
			b.renew(i, visits)
		}
		lane = append(lane, work{b.kept[i], b.leaves(visits)})
	}
	return lane, nil
}

// keep takes a request to be used again, with a copy where it will lose attributes and points.
func (b *warmBench) keep(md pmetric.Metrics) {
	b.kept = append(b.kept, md)
	if b.kind == trimmed {
		copied := pmetric.NewMetrics()
		md.CopyTo(copied)
		b.pristine = append(b.pristine, copied)
	}
}

func (b *warmBench) renew(i int, visits []place) {
	if b.kind == trimmed {
		b.pristine[i].CopyTo(b.kept[i])
	}
	b.kind.rewind(b.kept[i], visits)
}

// leaves is how many points of a request must leave a processor.
func (b *warmBench) leaves(visits []place) int {
	if b.kind == trimmed {
		return trimmedStreams(visits)
	}
	return len(visits)
}

// end stops the processor; what it would still say is of no interest.
func (b *warmBench) end() {
	_ = b.processor.Shutdown(context.Background())
	if b.directory != "" {
		_ = os.RemoveAll(b.directory)
	}
}
