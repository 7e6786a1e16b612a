package main

// The processors, as workers and results name them.
const (
	ours    = "ours"
	contrib = "contrib"
)

var subjects = []string{ours, contrib}

// Results is everything that one run measured.
type Results struct {
	Machine  Machine         `json:"machine"`
	Quick    bool            `json:"quick"`
	Warm     []WarmResult    `json:"warm"`
	Memory   []MemoryResult  `json:"memory"`
	Stalls   []StallResult   `json:"stalls"`
	Pricing  []PricingResult `json:"pricing"`
	Ledger   []LedgerResult  `json:"ledger"`
	Restores []RestoreResult `json:"restores"`
	Engine   []EngineResult  `json:"engine"`
	Bars     []Bar           `json:"bars"`
}

// PopulateCase is a number of streams.
type PopulateCase struct {
	Shape   shape `json:"shape"`
	Streams int   `json:"streams"`
	// Ledger is the value of `storage::sync`; empty for no ledger.
	Ledger string `json:"ledger,omitempty"`
	// Priced computes what tokens cost.
	Priced bool `json:"priced,omitempty"`
}

// populate is a number of streams without a ledger.
func populate(kind shape, streams int) PopulateCase {
	return PopulateCase{Shape: kind, Streams: streams}
}

// WarmCase is one kind of load on streams that exist already.
type WarmCase struct {
	Shape shape `json:"shape"`
	// Streams is how many streams the processor holds.
	Streams int `json:"streams"`
	// Batch is the number of points of a request.
	Batch int `json:"batch"`
	// Random takes streams in random order, else in the order of their making.
	Random bool `json:"random"`
	// Reused sends the same request objects again and again, made new in place, so that their memory stays in the
	// processor's caches; else each request is a new one. Only in order, with one goroutine.
	Reused bool `json:"reused"`
	// Goroutines send at the same time, each to streams of its own.
	Goroutines int `json:"goroutines"`
	// Points is how many points a round sends.
	Points int `json:"points"`
}

// Round is what one timed round of a WarmCase took, for each point.
type Round struct {
	// Nanos is wall clock time, CPUNanos the time of all threads, Go's collector included.
	Nanos    float64 `json:"ns"`
	CPUNanos float64 `json:"cpu_ns"`
	// Allocations and Bytes are those of Go's heap.
	Allocations float64 `json:"allocations"`
	Bytes       float64 `json:"bytes"`
}

// WarmResult holds the rounds of both processors, in the order in which they ran.
type WarmResult struct {
	WarmCase
	Ours    []Round `json:"ours"`
	Contrib []Round `json:"contrib"`
}

// rounds returns the place for a processor's rounds.
func (r *WarmResult) rounds(subject string) *[]Round {
	if subject == ours {
		return &r.Ours
	}
	return &r.Contrib
}

// MemoryResult is what one processor holds after Streams streams were made, for each stream.
type MemoryResult struct {
	Shape   shape  `json:"shape"`
	Subject string `json:"subject"`
	Streams int    `json:"streams"`
	// HeapBytes and HeapObjects are what Go's collector has to look after.
	HeapBytes   float64 `json:"heap_bytes"`
	HeapObjects float64 `json:"heap_objects"`
	// Resident is the growth of resident memory, ResidentFreed that after Go returned what it does not use.
	Resident      float64 `json:"resident_bytes"`
	ResidentFreed float64 `json:"resident_freed_bytes"`
	// Collection is how long Go's collector takes to go over everything once, in nanoseconds.
	Collection float64 `json:"collection_ns"`
	// Ledger is the number of streams that readers tell apart, for each one sent; 0 for contrib.
	Ledger float64 `json:"ledger_streams"`
	// StateBytes and TextBytes are what token_ledger reports of itself; 0 for contrib.
	StateBytes float64 `json:"state_bytes"`
	TextBytes  float64 `json:"text_bytes"`
}

// StallCase is a table that grows, in small requests of new streams.
type StallCase struct {
	Streams int `json:"streams"`
	Batch   int `json:"batch"`
	// Collector leaves Go's garbage collector on; else it is off while calls are timed and works in between.
	Collector bool `json:"collector"`
}

// StallResult tells how long single calls took while the table grew, in one run.
type StallResult struct {
	StallCase
	Subject string `json:"subject"`
	// Wall is the time of a call, CPU that of its thread, which other processes cannot lengthen.
	Wall Spread `json:"wall"`
	CPU  Spread `json:"cpu"`
	// Control is the time of calls that only read the clock for as long as a median call: the machine's own noise.
	Control Spread `json:"control"`
	// PerPoint is the mean time of a new stream's first point, in nanoseconds.
	PerPoint float64 `json:"ns_per_point"`
}

// EngineResult is one figure of the engine alone, measured by cargo bench.
type EngineResult struct {
	Name string `json:"name"`
	// Nanos is the median, with the bounds of its confidence interval.
	Nanos float64 `json:"ns"`
	Low   float64 `json:"low_ns"`
	High  float64 `json:"high_ns"`
}
