package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// ledgerModes are the values of `storage::sync` that are compared with no ledger at all, the first one.
var ledgerModes = []string{"", "process" + withoutUsage, "process", "1s", "disk"}

// withoutUsage ends the name of a mode with `storage::usage` off.
const withoutUsage = ", usage: false"

// ledgerPlan says what a run measures of the ledger.
type ledgerPlan struct {
	streams, rounds int
	// batches are sizes of requests, each with the points of one round.
	batches []WarmCase
	// restore are the numbers of streams with which a processor is started again.
	restore []int
}

// LedgerResult holds the rounds of one size of requests, for each of ledgerModes.
type LedgerResult struct {
	WarmCase
	Rounds [][]Round `json:"rounds"`
}

// RestoreResult is what it took to start again with a ledger.
type RestoreResult struct {
	Streams int `json:"streams"`
	// Nanos is the time of Start, from opening the files to being ready for requests.
	Nanos int64 `json:"ns"`
	// FileBytes are those of all files of the ledger.
	FileBytes int64 `json:"file_bytes"`
}

// run measures all modes in turns, each in a process of its own.
func (p *ledgerPlan) run(start spawner, results *Results, note func(string, ...any)) error {
	if p.streams == 0 {
		return nil // a run of other parts
	}
	load := load{PopulateCase: PopulateCase{Shape: plain, Streams: p.streams}, rounds: p.rounds}
	var workers []worker
	defer func() {
		for _, w := range workers {
			_ = w.end()
		}
	}()
	for _, mode := range ledgerModes {
		note("%d streams, ledger: %q", p.streams, mode)
		w, err := start(ours)
		if err != nil {
			return err
		}
		workers = append(workers, w)
		if _, err := w.do(order{Populate: &PopulateCase{Shape: plain, Streams: p.streams, Ledger: mode}}); err != nil {
			return err
		}
	}
	for _, c := range p.batches {
		c.Shape, c.Streams = load.Shape, load.Streams
		note("ledger, batches of %d", c.Batch)
		result := LedgerResult{WarmCase: c, Rounds: make([][]Round, len(ledgerModes))}
		for round := range p.rounds + 1 {
			for mode, w := range workers {
				a, err := w.do(order{Warm: &c})
				if err != nil {
					return err
				}
				if round > 0 { // the first one warms up
					result.Rounds[mode] = append(result.Rounds[mode], *a.Round)
				}
			}
		}
		results.Ledger = append(results.Ledger, result)
	}
	for _, streams := range p.restore {
		note("a start with %d streams in the ledger", streams)
		a, err := once(start, ours, order{Restore: &PopulateCase{Shape: plain, Streams: streams, Ledger: "process"}})
		if err != nil {
			return err
		}
		results.Restores = append(results.Restores, *a.Restore)
	}
	return nil
}

// restore fills a ledger, ends the processor and starts another one on it.
func restore(subject string, c PopulateCase) (*RestoreResult, error) {
	directory, err := os.MkdirTemp("", "ledger")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	bench, err := newWarmBenchIn(directory, subject, c)
	if err != nil {
		return nil, err
	}
	bench.end()
	began := time.Now()
	again, err := startSubject(subject, c, directory, nil)
	if err != nil {
		return nil, err
	}
	result := &RestoreResult{Streams: c.Streams, Nanos: time.Since(began).Nanoseconds()}
	result.FileBytes, err = bytesBelow(directory)
	if err != nil {
		return nil, err
	}
	return result, again.Shutdown(context.Background())
}

// bytesBelow adds up the sizes of all files in a directory.
func bytesBelow(directory string) (sum int64, err error) {
	entries, err := os.ReadDir(directory)
	for _, entry := range entries {
		switch info, failed := entry.Info(); {
		case failed != nil:
			return 0, failed
		case entry.IsDir():
			below, failed := bytesBelow(directory + "/" + entry.Name())
			if failed != nil {
				return 0, failed
			}
			sum += below
		default:
			sum += info.Size()
		}
	}
	return sum, err
}

// bars of the ledger, from the same run.
func (r *Results) ledgerBars(add func(what, unit string, demanded, measured float64, atLeast bool)) {
	process := slices.Index(ledgerModes, "process")
	for _, l := range r.Ledger {
		without, with := median(of(l.Rounds[0], wallTime)), median(of(l.Rounds[process], wallTime))
		switch l.Batch {
		case 1000:
			add("`storage: {sync: process}` at batches of 1000, more than without", "ns per point", 150, with-without, false)
			bare := median(of(l.Rounds[slices.Index(ledgerModes, "process"+withoutUsage)], wallTime))
			add("the same with `usage: false`", "ns per point", 150, bare-without, false)
		case 20:
			add("`storage: {sync: process}`, a lone request of 20 points", "µs per request", 100, with*20/1000, false)
		}
	}
	for _, restored := range r.Restores {
		if restored.Streams == 1_000_000 {
			add("start with 1,000,000 streams in the ledger", "s", 2, float64(restored.Nanos)/1e9, false)
		}
	}
}

func (r *Results) writeLedger(p *page) {
	if len(r.Ledger) == 0 {
		return
	}
	p.line("\n### The ledger\n")
	p.line("Nanoseconds per point: median (minimum–maximum) of the rounds, one goroutine, %s streams, new requests.", grouped(r.Ledger[0].Streams))
	columns := []string{"batch", "without"}
	for _, mode := range ledgerModes[1:] {
		columns = append(columns, "`sync: "+mode+"`")
	}
	p.table(append(columns, "rounds")...)
	for _, l := range r.Ledger {
		cells := []string{fmt.Sprint(l.Batch)}
		for _, rounds := range l.Rounds {
			cells = append(cells, withRange(of(rounds, wallTime)))
		}
		p.row(append(cells, fmt.Sprint(len(l.Rounds[0])))...)
	}
	p.table("streams in the ledger", "start", "files")
	for _, restored := range r.Restores {
		p.row(grouped(restored.Streams), readable(restored.Nanos), fmt.Sprintf("%.1f MB", float64(restored.FileBytes)/1e6))
	}
}
