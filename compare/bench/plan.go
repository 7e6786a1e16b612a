package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// plan says what a run measures.
type plan struct {
	// loads are run on one population of streams each.
	loads []load
	// memory are the populations that are weighed; stallStreams is the size of the last part, stallRuns how often it is
	// repeated.
	memory                  []PopulateCase
	stallStreams, stallRuns int
	ledger                  ledgerPlan
	pricing                 pricingPlan
}

// load is a number of streams with the cases that are measured on them, each in so many rounds for each processor.
type load struct {
	PopulateCase
	rounds int
	cases  []WarmCase
}

func fullPlan() plan {
	return plan{
		loads: []load{
			{populate(plain, 1_000), 15, append(reused([]int{1000, 1, 10, 25}, 50_000), cases([]int{1000, 1, 10, 25}, []bool{false, true}, 50_000)...)},
			{populate(plain, 100_000), 11, cases([]int{1000, 1, 10, 25}, []bool{false, true}, 50_000)},
			{populate(plain, 1_000_000), 7, cases([]int{1000}, []bool{false, true}, 50_000)},
			{populate(asPrometheus, 1_000), 15, oneByOne([]int{1000, 1, 10, 25}, 50_000)},
			{populate(trimmed, 1_000), 15, oneByOne([]int{1000, 1, 10, 25}, 10_000)},
			{populate(trimmed, 100_000), 11, fresh([]int{1000}, 50_000)},
			{populate(explicit, 1_000), 11, oneByOne([]int{1000, 10}, 20_000)},
			{populate(exponential, 1_000), 11, oneByOne([]int{1000, 10}, 20_000)},
		},
		memory: []PopulateCase{
			populate(plain, 1_000_000), populate(asPrometheus, 1_000_000), populate(trimmed, 1_000_000), populate(explicit, 100_000), populate(exponential, 100_000),
		},
		stallStreams: 1_000_000,
		stallRuns:    3,
		ledger: ledgerPlan{
			streams: 1_000, rounds: 11,
			batches: []WarmCase{{Batch: 1000, Goroutines: 1, Points: 50_000}, {Batch: 20, Goroutines: 1, Points: 2_000}},
			restore: []int{1_000, 100_000, 1_000_000},
		},
		pricing: pricingPlan{
			streams: 1_000, rounds: 11, shapes: []shape{plain, asPrometheus, trimmed}, batches: oneByOne([]int{1000, 20}, 50_000),
		},
	}
}

func quickPlan() plan {
	return plan{
		loads: []load{
			{populate(plain, 1_000), 5, append(reused([]int{1000, 1, 10, 25}, 10_000), cases([]int{1000, 1, 10, 25}, []bool{false}, 10_000)...)},
			{populate(plain, 50_000), 5, cases([]int{1000}, []bool{true}, 20_000)},
			{populate(asPrometheus, 1_000), 5, oneByOne([]int{1000, 10}, 10_000)},
			{populate(trimmed, 1_000), 5, oneByOne([]int{1000, 1, 10, 25}, 5_000)},
			{populate(explicit, 1_000), 5, oneByOne([]int{1000, 10}, 5_000)},
			{populate(exponential, 1_000), 5, oneByOne([]int{1000, 10}, 5_000)},
		},
		memory: []PopulateCase{
			populate(plain, 50_000), populate(asPrometheus, 50_000), populate(trimmed, 50_000), populate(explicit, 10_000), populate(exponential, 10_000),
		},
		stallStreams: 50_000,
		stallRuns:    1,
		ledger: ledgerPlan{
			streams: 1_000, rounds: 5,
			batches: []WarmCase{{Batch: 1000, Goroutines: 1, Points: 10_000}, {Batch: 20, Goroutines: 1, Points: 400}},
			restore: []int{10_000},
		},
		pricing: pricingPlan{
			streams: 1_000, rounds: 5, shapes: []shape{plain, trimmed}, batches: oneByOne([]int{1000}, 20_000),
		},
	}
}

// cases combines batch sizes and orders, each with one goroutine and with two.
func cases(batches []int, orders []bool, points int) []WarmCase {
	var all []WarmCase
	for _, batch := range batches {
		points := min(points, 20_000*batch) // so many requests would fill token_ledger's memory of requests (D3a)
		for _, random := range orders {
			for goroutines := 1; goroutines <= 2; goroutines++ {
				all = append(all, WarmCase{Batch: batch, Random: random, Goroutines: goroutines, Points: points})
			}
		}
	}
	return all
}

// reused lists cases in which request objects are used again.
func reused(batches []int, points int) []WarmCase {
	var all []WarmCase
	for _, batch := range batches {
		all = append(all, WarmCase{Batch: batch, Reused: true, Goroutines: 1, Points: min(points, 20_000*batch)})
	}
	return all
}

// fresh lists cases in order, with one goroutine.
func fresh(batches []int, points int) []WarmCase {
	var all []WarmCase
	for _, batch := range batches {
		all = append(all, WarmCase{Batch: batch, Goroutines: 1, Points: points})
	}
	return all
}

// oneByOne lists cases in order with one goroutine, with reused and with new requests.
func oneByOne(batches []int, points int) []WarmCase {
	return append(reused(batches, points), fresh(batches, points)...)
}

// run measures everything and tells progress what it is at.
func (p *plan) run(start spawner, progress func(string)) (*Results, error) {
	began := time.Now()
	note := func(format string, arguments ...any) {
		progress(fmt.Sprintf("%4.0fs  ", time.Since(began).Seconds()) + fmt.Sprintf(format, arguments...))
	}
	results := &Results{}
	for _, l := range p.loads {
		if err := l.run(start, results, note); err != nil {
			return nil, err
		}
	}
	if err := p.pricing.run(start, results, note); err != nil {
		return nil, err
	}
	if err := p.ledger.run(start, results, note); err != nil {
		return nil, err
	}
	for _, c := range p.memory {
		for _, subject := range subjects {
			note("memory of %d streams, %s, %s", c.Streams, c.Shape, subject)
			a, err := once(start, subject, order{Memory: &c})
			if err != nil {
				return nil, err
			}
			results.Memory = append(results.Memory, *a.Memory)
		}
	}
	for run := range p.stallRuns {
		for _, collector := range []bool{false, true} {
			for _, subject := range subjects {
				note("growth to %d streams, collector on: %t, %s, run %d", p.stallStreams, collector, subject, run+1)
				a, err := once(start, subject, order{Stall: &StallCase{Streams: p.stallStreams, Batch: 10, Collector: collector}})
				if err != nil {
					return nil, err
				}
				results.Stalls = append(results.Stalls, *a.Stall)
			}
		}
	}
	slices.SortStableFunc(results.Stalls, compareStalls)
	return results, nil
}

// compareStalls puts the runs of a case together.
func compareStalls(a, b StallResult) int {
	if a.Collector != b.Collector {
		if a.Collector {
			return 1
		}
		return -1
	}
	return -strings.Compare(a.Subject, b.Subject) // ours first
}

// once lets a new worker do one thing.
func once(start spawner, subject string, o order) (answer, error) {
	w, err := start(subject)
	if err != nil {
		return answer{}, err
	}
	a, err := w.do(o)
	return a, errors.Join(err, w.end())
}

// run populates both processors and measures all cases on them.
func (l *load) run(start spawner, results *Results, note func(string, ...any)) (err error) {
	workers := map[string]worker{}
	defer func() {
		for _, w := range workers {
			err = errors.Join(err, w.end())
		}
	}()
	for _, subject := range subjects {
		note("%d streams, %s, %s", l.Streams, l.Shape, subject)
		if workers[subject], err = start(subject); err != nil {
			delete(workers, subject)
			return err
		}
		if _, err = workers[subject].do(order{Populate: &l.PopulateCase}); err != nil {
			return err
		}
	}
	for _, c := range l.cases {
		c.Shape, c.Streams = l.Shape, l.Streams
		note("%d streams, %s, batches of %d, random: %t, reused: %t, goroutines: %d", c.Streams, c.Shape, c.Batch, c.Random, c.Reused, c.Goroutines)
		result, err := l.measure(workers, c)
		if err != nil {
			return err
		}
		results.Warm = append(results.Warm, *result)
	}
	return nil
}

// measure runs the rounds of one case in turns. The first round of each processor warms up and does not count.
func (l *load) measure(workers map[string]worker, c WarmCase) (*WarmResult, error) {
	result := &WarmResult{WarmCase: c}
	for round := range l.rounds + 1 {
		for _, subject := range subjects {
			a, err := workers[subject].do(order{Warm: &c})
			if err != nil {
				return nil, err
			}
			if round > 0 {
				rounds := result.rounds(subject)
				*rounds = append(*rounds, *a.Round)
			}
		}
	}
	return result, nil
}
