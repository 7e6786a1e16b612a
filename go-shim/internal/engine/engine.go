// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

// #include "tokenledger.h"
import "C"

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Engine is one engine of the library. Its methods may be called from several goroutines.
type Engine struct {
	clock Clock
	// selection is what the library is shown.
	selection selection
	// trims tells that rules may remove attributes of points.
	trims bool
	// open guards handle: calls hold it for reading, Close for writing.
	open   sync.RWMutex
	handle *C.tl_engine

	// scratch is a bounded free list. Not a sync.Pool, which drops objects without a word and with
	// them the library's memory behind them.
	scratchLock sync.Mutex
	scratch     []*Batch

	// ticking lets one tick run at a time, so that output keeps its order.
	ticking sync.Mutex

	// opening is what was found in the ledger.
	opening Opening
	// settler lets one goroutine write the ledger for all.
	settler settler
	// maintaining lets one Maintain run at a time.
	maintaining sync.Mutex
}

// Batch holds the answers to one batch until Release.
type Batch struct {
	engine  *Engine
	encoder encoder
	result  *C.tl_result
	view    C.tl_batch_view
	failed  C.tl_error
	// answered tells that the library was shown something of this batch.
	answered bool
}

// New makes an engine, or says why the library cannot be used, the configuration is refused, or the ledger cannot be
// opened (a StorageError).
func New(cfg Config) (*Engine, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("engine configuration: %w", err)
	}
	storage, err := cfg.storage()
	if err != nil {
		return nil, err
	}
	clock := cfg.Clock
	if clock == nil {
		clock = systemClock()
	}
	e := &Engine{clock: clock, selection: cfg.selection(), trims: len(cfg.Rules) > 0}
	wall, monotonic := e.now()
	// Random bytes from Go, which asks the kernel: they are there in an empty root directory too.
	secret := make([]byte, C.TL_SECRET_BYTES)
	rand.Read(secret) // never fails: crypto/rand ends the process if the kernel has no randomness
	var found C.tl_opening
	var failed C.tl_error
	status := C.tl_engine_create(firstByte(text), C.size_t(len(text)), firstByte(storage), C.size_t(len(storage)),
		firstByte(secret), C.size_t(len(secret)), wall, monotonic, &e.handle, &found, &failed)
	if status != C.TL_STATUS_OK {
		return nil, failure(status, &failed)
	}
	if cfg.Storage.Enabled() {
		e.opening = e.readOpening(&found)
	}
	return e, nil
}

// Consume takes the metrics of md in, waits until they are in the ledger if there is one, and turns them, in place,
// into what goes out now.
//
// With an error md is untouched; errors.Is(err, ErrPoisoned) tells a panic inside the library from the rest, and
// errors.Is(err, ErrStorage) a ledger that cannot be written. A Batch that is not nil must be released; beside an error
// it tells what became of points that are in the totals but not in the ledger: they go out once they are (L4), and the
// sender's retry is recognised (D3).
func (e *Engine) Consume(md pmetric.Metrics, metadata Metadata) (*Batch, error) {
	e.open.RLock()
	defer e.open.RUnlock()
	if e.handle == nil {
		return nil, ErrClosed
	}
	b := e.takeBatch()
	wall, monotonic := e.clock()
	buffer := b.encoder.encode(md, metadata, wall, monotonic)
	b.answered = len(buffer) > 0
	if !b.answered {
		return b, nil
	}
	status := C.tl_engine_consume(e.handle, firstByte(buffer), C.size_t(len(buffer)), b.result, &b.view, &b.failed)
	if status != C.TL_STATUS_OK {
		err := failure(status, &b.failed)
		b.view = C.tl_batch_view{} // what it points to may be gone
		b.Release()
		return nil, err
	}
	if err := e.settle(b); err != nil {
		// What the batch would have sent has not gone out.
		C.tl_engine_refused(e.handle, b.result, C.uint64_t(wall.UnixNano()), C.uint64_t(monotonic.Nanoseconds()), &b.failed)
		return b, err
	}
	answers := newAnswers(&b.view, e)
	answers.apply(md)
	return b, nil
}

// Tick hands everything that is due to deliver, chunk by chunk and in order. final is Shutdown: it
// ends FirstValueDelay early (L5). What deliver refuses goes out again at the next tick (L4); the
// first refusal is returned after all chunks have been tried. Where the ledger cannot be written nothing goes out, and a
// StorageError is returned: a later tick brings it.
func (e *Engine) Tick(final bool, deliver func(Metadata, pmetric.Metrics) error) error {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	e.open.RLock()
	defer e.open.RUnlock()
	if e.handle == nil {
		return ErrClosed
	}
	tick := C.tl_tick_create()
	defer C.tl_tick_destroy(tick)
	var refusal error
	for {
		var view C.tl_tick_view
		var failed C.tl_error
		wall, monotonic := e.now()
		if status := C.tl_engine_tick(e.handle, tick, wall, monotonic, boolByte(final), &view, &failed); status != C.TL_STATUS_OK {
			return failure(status, &failed)
		}
		if err := e.deliverChunk(tick, int(view.payload_count), deliver); err != nil && refusal == nil {
			refusal = err
		}
		if view.done != 0 {
			return refusal
		}
	}
}

// deliverChunk delivers the payloads of the current chunk, one per combination of client metadata, and
// returns the first refusal. The others' streams count as delivered.
func (e *Engine) deliverChunk(tick *C.tl_tick, count int, deliver func(Metadata, pmetric.Metrics) error) error {
	var decoder pmetric.ProtoUnmarshaler
	var refusal error
	for number := range count {
		var payload C.tl_payload_view
		if !C.tl_tick_payload(tick, C.uint64_t(number), &payload) {
			break
		}
		// Decoding copies, so nothing of the library's memory is kept.
		md, err := decoder.UnmarshalMetrics(libraryBytes(payload.request, payload.request_bytes))
		if err == nil {
			err = deliver(decodeMetadata(libraryBytes(payload.metadata, payload.metadata_bytes)), md)
		}
		if err == nil {
			continue
		}
		if refusal == nil {
			refusal = err
		}
		var failed C.tl_error
		if status := C.tl_engine_tick_refused(e.handle, tick, C.uint64_t(number), &failed); status != C.TL_STATUS_OK {
			return failure(status, &failed)
		}
	}
	return refusal
}

// Stats says what the engine holds; zero after Close or a panic.
func (e *Engine) Stats() Stats {
	e.open.RLock()
	defer e.open.RUnlock()
	stats := Stats{LiveEngines: int64(C.tl_live_engines())}
	if e.handle == nil {
		return stats
	}
	var held C.tl_stats
	var failed C.tl_error
	if C.tl_engine_stats(e.handle, &held, &failed) == C.TL_STATUS_OK {
		stats.Streams = int64(held.streams)
		stats.MaxStreams = int64(held.max_streams)
		stats.SourceStreams = int64(held.source_streams)
		stats.Tombstones = int64(held.tombstones)
		stats.PendingStreams = int64(held.pending_streams)
		stats.EvictedStreams = int64(held.evicted_streams)
		stats.StateBytes = int64(held.state_bytes)
		stats.TextBytes = int64(held.text_bytes)
		stats.ScratchBytes = int64(held.scratch_bytes)
		stats.MaxMemoryBytes = int64(held.max_memory_bytes)
		stats.ClockStepsBack = int64(held.clock_steps_back)
		e.ledgerStats(&stats, &held)
	}
	return stats
}

// Close frees the engine's memory. It waits for calls under way and may be called again.
func (e *Engine) Close() {
	e.open.Lock()
	defer e.open.Unlock()
	if e.handle == nil {
		return
	}
	C.tl_engine_destroy(e.handle)
	e.handle = nil
	e.scratchLock.Lock()
	defer e.scratchLock.Unlock()
	for _, b := range e.scratch {
		b.free()
	}
	e.scratch = nil
}

// InjectPanic makes the next call panic inside the library: a drill for tests.
func (e *Engine) InjectPanic() {
	e.open.RLock()
	defer e.open.RUnlock()
	C.tl_engine_inject_panic(e.handle)
}

// Outcomes tells what became of the batch's points.
func (b *Batch) Outcomes() Outcomes {
	if !b.answered {
		return Outcomes{}
	}
	outcomes := &b.view.outcomes
	return Outcomes{
		Accepted:   int64(outcomes.accepted),
		Duplicate:  int64(outcomes.duplicate),
		Late:       int64(outcomes.late),
		Invalid:    int64(outcomes.invalid),
		Overflow:   int64(outcomes.overflow),
		NoValue:    int64(outcomes.no_value),
		Superseded: int64(outcomes.superseded),
		Baseline:   int64(outcomes.baseline),
		Refused:    int64(outcomes.refused),
		Untouched:  int64(outcomes.untouched),
	}
}

// Refused tells the engine that the next consumer did not take the batch (L4).
func (b *Batch) Refused() {
	e := b.engine
	e.open.RLock()
	defer e.open.RUnlock()
	if b.answered && e.handle != nil {
		wall, monotonic := e.now()
		// A poisoned engine has nothing to remember, and nothing else can fail here.
		C.tl_engine_refused(e.handle, b.result, wall, monotonic, &b.failed)
	}
}

// Release gives the batch's memory back; it must not be used afterwards.
func (b *Batch) Release() {
	e := b.engine
	e.scratchLock.Lock()
	defer e.scratchLock.Unlock()
	// Free at once what is too much to keep, and whatever comes back after Close.
	if len(e.scratch) >= 2*runtime.GOMAXPROCS(0) || b.isLarge() || b.orphaned() {
		b.free()
		return
	}
	e.scratch = append(e.scratch, b)
}

// maxKeptBytes is the size up to which a batch's memory is kept for the next one, here and in the
// library each: about 10,000 points as Claude Code sends them.
const maxKeptBytes = 8 << 20

func (b *Batch) isLarge() bool {
	return len(b.encoder.bytes) > maxKeptBytes || b.view.scratch_bytes > maxKeptBytes
}

// orphaned tells that the engine was closed; a Close under way frees the list itself.
func (b *Batch) orphaned() bool {
	if !b.engine.open.TryRLock() {
		return true
	}
	defer b.engine.open.RUnlock()
	return b.engine.handle == nil
}

func (b *Batch) free() {
	C.tl_result_destroy(b.result)
	b.result = nil
}

func (e *Engine) takeBatch() *Batch {
	e.scratchLock.Lock()
	defer e.scratchLock.Unlock()
	if last := len(e.scratch) - 1; last >= 0 {
		b := e.scratch[last]
		e.scratch = e.scratch[:last]
		return b
	}
	return &Batch{engine: e, encoder: encoder{selection: e.selection}, result: C.tl_result_create()}
}

func (e *Engine) now() (wall, monotonic C.uint64_t) {
	w, m := e.clock()
	return C.uint64_t(w.UnixNano()), C.uint64_t(m.Nanoseconds())
}

// firstByte is how C sees a run of bytes of Go's.
func firstByte(run []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(run)) }

func libraryBytes(pointer *C.uint8_t, length C.uint64_t) []byte {
	return unsafe.Slice((*byte)(pointer), int(length))
}
