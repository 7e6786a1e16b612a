package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// weight is what a process holds.
type weight struct {
	heapBytes, heapObjects  uint64
	resident, residentFreed int64
	collection              time.Duration
}

// weigh makes streams in a fresh processor and tells what each takes. The first request, which sets up whatever is
// needed for any stream at all, comes before the first weighing.
func weigh(subject string, c PopulateCase) (*MemoryResult, error) {
	streams := c.Streams
	reader := metric.NewManualReader()
	p, err := startSubject(subject, PopulateCase{Shape: c.Shape, Streams: streams}, "", metric.NewMeterProvider(metric.WithReader(reader)))
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Shutdown(context.Background()) }()
	w := newWalk(0, streams+populateBatch, false, 0)
	w.stepped = c.Shape == trimmed
	w.begin(streams, populateBatch)
	if err := feed(p, c.Shape, w, populateBatch); err != nil {
		return nil, err
	}
	before, err := weighProcess()
	if err != nil {
		return nil, err
	}
	if err := feed(p, c.Shape, w, streams); err != nil {
		return nil, err
	}
	after, err := weighProcess()
	if err != nil {
		return nil, err
	}
	runtime.KeepAlive(w)
	result := perStream(subject, streams, before, after)
	result.Shape = c.Shape
	err = result.addOwnFigures(reader, streams+populateBatch)
	return result, err
}

// feed sends the first points of new streams. Requests are garbage as soon as they were sent.
func feed(p processor.Metrics, kind shape, w *walk, streams int) error {
	m := newMill(kind, populateBatch)
	for made := 0; made < streams; made += populateBatch {
		md, err := m.request(w.visits(populateBatch))
		if err == nil {
			err = p.ConsumeMetrics(context.Background(), md)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// weighProcess reads resident memory as it is, then what is live, then resident memory without Go's reserves.
func weighProcess() (weight, error) {
	var w weight
	var err error
	if w.resident, err = residentBytes(); err != nil {
		return w, err
	}
	runtime.GC() // the second one frees what this one finds in pools
	began := time.Now()
	runtime.GC()
	w.collection = time.Since(began)
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	w.heapBytes, w.heapObjects = stats.HeapAlloc, stats.HeapObjects
	debug.FreeOSMemory()
	w.residentFreed, err = residentBytes()
	return w, err
}

func perStream(subject string, streams int, before, after weight) *MemoryResult {
	each := func(after, before float64) float64 { return (after - before) / float64(streams) }
	return &MemoryResult{
		Subject:       subject,
		Streams:       streams,
		HeapBytes:     each(float64(after.heapBytes), float64(before.heapBytes)),
		HeapObjects:   each(float64(after.heapObjects), float64(before.heapObjects)),
		Resident:      each(float64(after.resident), float64(before.residentFreed)),
		ResidentFreed: each(float64(after.residentFreed), float64(before.residentFreed)),
		Collection:    float64(after.collection),
	}
}

// addOwnFigures takes over what token_ledger says of its memory outside of Go's heap.
func (r *MemoryResult) addOwnFigures(reader *metric.ManualReader, streams int) error {
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		return err
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok || len(sum.DataPoints) == 0 {
				continue
			}
			each := float64(sum.DataPoints[0].Value) / float64(streams)
			switch {
			case strings.HasSuffix(m.Name, "token_ledger_state_bytes"):
				r.StateBytes = each
			case strings.HasSuffix(m.Name, "token_ledger_text_bytes"):
				r.TextBytes = each
			case strings.HasSuffix(m.Name, "token_ledger_streams"):
				r.Ledger = each
			}
		}
	}
	if r.Subject == ours && (r.StateBytes == 0 || r.TextBytes == 0) {
		return fmt.Errorf("token_ledger does not report its memory")
	}
	return nil
}

// residentBytes is the resident set of this process.
func residentBytes() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Fscan(bytes.NewReader(text), &size, &resident); err != nil {
		return 0, fmt.Errorf("/proc/self/statm: %w", err)
	}
	return resident * int64(os.Getpagesize()), nil
}
