package main

// pricingPlan says what a run measures of pricing: the same requests with and without it.
type pricingPlan struct {
	streams, rounds int
	shapes          []shape
	// batches are sizes of requests, each with the points of one round.
	batches []WarmCase
}

// PricingResult holds the rounds of one size of requests, whose points all count tokens.
type PricingResult struct {
	WarmCase
	Without []Round `json:"without"`
	With    []Round `json:"with"`
}

// run measures both in turns, each in a process of its own.
func (p *pricingPlan) run(start spawner, results *Results, note func(string, ...any)) error {
	for _, shape := range p.shapes {
		if err := p.runShape(start, shape, results, note); err != nil {
			return err
		}
	}
	return nil
}

func (p *pricingPlan) runShape(start spawner, kind shape, results *Results, note func(string, ...any)) error {
	workers := map[bool]worker{}
	defer func() {
		for _, w := range workers {
			_ = w.end()
		}
	}()
	for _, priced := range []bool{false, true} {
		w, err := start(ours)
		if err != nil {
			return err
		}
		workers[priced] = w
		if _, err := w.do(order{Populate: &PopulateCase{Shape: kind, Streams: p.streams, Priced: priced}}); err != nil {
			return err
		}
	}
	for _, c := range p.batches {
		c.Shape, c.Streams = kind, p.streams
		note("pricing of %s, batches of %d", kind, c.Batch)
		result := PricingResult{WarmCase: c}
		for round := range p.rounds + 1 {
			for _, priced := range []bool{false, true} {
				a, err := workers[priced].do(order{Warm: &c})
				if err != nil {
					return err
				}
				if round == 0 { // it warms up
					continue
				}
				if priced {
					result.With = append(result.With, *a.Round)
				} else {
					result.Without = append(result.Without, *a.Round)
				}
			}
		}
		results.Pricing = append(results.Pricing, result)
	}
	return nil
}

// added is what pricing adds to a point, in nanoseconds.
func (r *PricingResult) added() float64 {
	return median(of(r.With, wallTime)) - median(of(r.Without, wallTime))
}

// pricingBars hold what pricing adds against the bar, from the same run.
func (r *Results) pricingBars(add func(what, unit string, demanded, measured float64, atLeast bool)) {
	for i := range r.Pricing {
		if c := &r.Pricing[i]; c.Batch == 1000 {
			requests := "new requests"
			if c.Reused {
				requests = "reused requests"
			}
			add("`pricing: {source: metrics}` at batches of 1000 ("+string(c.Shape)+", "+requests+"), more than without", "ns per token point", 60, c.added(), false)
		}
	}
}

func (r *Results) writePricing(p *page) {
	if len(r.Pricing) == 0 {
		return
	}
	p.line("\n### Pricing\n")
	p.line("Nanoseconds per point: median (minimum–maximum) of the rounds, one goroutine, %s streams. Every point counts tokens.", grouped(r.Pricing[0].Streams))
	p.table("points", "batch", "requests", "without", "with", "more", "rounds")
	for i := range r.Pricing {
		c := &r.Pricing[i]
		requests := "new"
		if c.Reused {
			requests = "reused"
		}
		p.row(string(c.Shape), grouped(c.Batch), requests, withRange(of(c.Without, wallTime)), withRange(of(c.With, wallTime)),
			short(c.added()), grouped(len(c.With)))
	}
}
