package main

import (
	"fmt"
	"strings"
)

// page is markdown that grows.
type page struct{ strings.Builder }

func (p *page) line(format string, arguments ...any) {
	fmt.Fprintf(p, format+"\n", arguments...)
}

// table writes a head; its rows follow.
func (p *page) table(columns ...string) {
	p.line("")
	p.row(columns...)
	p.line("|%s", strings.Repeat("---|", len(columns)))
}

func (p *page) row(cells ...string) { p.line("| %s |", strings.Join(cells, " | ")) }

// markdown writes all results as the tables of docs/benchmarks.md.
func (r *Results) markdown() string {
	p := &page{}
	r.writeMachine(p)
	r.writeBars(p)
	r.writeWarm(p)
	r.writePricing(p)
	r.writeLedger(p)
	r.writeMemory(p)
	r.writeStalls(p)
	r.writeEngine(p)
	return p.String()
}

func (r *Results) writeMachine(p *page) {
	p.line("### Machine")
	if r.Quick {
		p.line("\n**A quick run: small sizes, few rounds. These figures are no result.**")
	}
	p.table("what", "")
	for _, row := range [][2]string{
		{"date", r.Machine.Date}, {"CPU", r.Machine.CPU}, {"cores", fmt.Sprint(r.Machine.Cores)}, {"memory", r.Machine.Memory},
		{"kernel", r.Machine.Kernel}, {"Go", r.Machine.Go}, {"Rust", r.Machine.Rust},
		{"load average at the end, 1, 5, 15 minutes", r.Machine.Load},
	} {
		p.row(row[0], row[1])
	}
}

func (r *Results) writeBars(p *page) {
	p.line("\n### Bars of the design")
	p.table("bar", "demanded", "measured", "")
	for _, b := range r.Bars {
		p.row(b.What, b.demand(), short(b.Measured)+" "+b.Unit, b.verdict())
	}
}

func (r *Results) writeWarm(p *page) {
	p.line("\n### Time and allocations per point, streams known\n")
	p.line("Nanoseconds: median (minimum–maximum) of the rounds. CPU: the time of all threads, which other processes cannot lengthen.")
	p.line("Where points are trimmed, contrib is the chain `attributes` (delete), `metricstransform` (aggregate_labels), `delta_to_cumulative`.")
	p.table("points", "streams", "order", "requests", "batch", "goroutines", "ours", "contrib", "contrib ÷ ours", "CPU ours", "CPU contrib", "allocations ours", "contrib", "rounds")
	for _, w := range r.Warm {
		order := "in order"
		if w.Random {
			order = "random"
		}
		requests := "new"
		if w.Reused {
			requests = "reused"
		}
		own, rival := of(w.Ours, wallTime), of(w.Contrib, wallTime)
		p.row(string(w.Shape), grouped(w.Streams), order, requests, fmt.Sprint(w.Batch), fmt.Sprint(w.Goroutines), withRange(own), withRange(rival),
			fmt.Sprintf("%.1f", median(rival)/median(own)),
			fmt.Sprintf("%.0f", median(of(w.Ours, cpuTime))), fmt.Sprintf("%.0f", median(of(w.Contrib, cpuTime))),
			fmt.Sprintf("%.2f", median(of(w.Ours, allocations))), fmt.Sprintf("%.2f", median(of(w.Contrib, allocations))),
			fmt.Sprint(len(w.Ours)))
	}
}

func (r *Results) writeMemory(p *page) {
	p.line("\n### Memory per stream\n")
	p.line("Bytes for each stream that clients sent, after all of them had their first point; contrib's chain keeps nothing of a stream that it trims.")
	p.table("points", "processor", "streams", "of them told apart", "Go heap", "Go objects", "RSS growth", "RSS growth, Go's reserves returned", "state_bytes", "text_bytes", "one full collection")
	for _, m := range r.Memory {
		state, text, ledger := "–", "–", "–"
		if m.StateBytes > 0 {
			state, text, ledger = short(m.StateBytes), short(m.TextBytes), fmt.Sprintf("%.0f %%", 100*m.Ledger)
		}
		p.row(string(m.Shape), m.Subject, grouped(m.Streams), ledger, fmt.Sprintf("%.1f", m.HeapBytes), fmt.Sprintf("%.3f", m.HeapObjects),
			short(m.Resident), short(m.ResidentFreed), state, text, readable(int64(m.Collection)))
	}
}

func (r *Results) writeStalls(p *page) {
	p.line("\n### Single calls while the table grows\n")
	p.line("Each call brings new streams only; each row is a run. CPU is the time of the calling thread alone; control is the machine's own noise.")
	p.table("processor", "to streams", "batch", "Go's collector", "ns per point", "p50", "p99", "p99.9", "second longest", "longest", "longest, CPU", "longest, control")
	for _, s := range r.Stalls {
		collector := "off during calls"
		if s.Collector {
			collector = "on"
		}
		p.row(s.Subject, grouped(s.Streams), fmt.Sprint(s.Batch), collector, fmt.Sprintf("%.0f", s.PerPoint), readable(s.Wall.P50),
			readable(s.Wall.P99), readable(s.Wall.P999), readable(s.Wall.Second), readable(s.Wall.Max), readable(s.CPU.Max), readable(s.Control.Max))
	}
}

func (r *Results) writeEngine(p *page) {
	p.line("\n### The engine alone (`cargo bench`)")
	if len(r.Engine) == 0 {
		p.line("\nNot run on this machine.")
		return
	}
	p.table("bench", "median", "95 % interval")
	for _, e := range r.Engine {
		p.row(e.Name, short(e.Nanos)+" ns", fmt.Sprintf("%s–%s ns", short(e.Low), short(e.High)))
	}
}
