package main

import (
	"math/rand/v2"
	"time"
)

// walk visits a range of streams again and again, in order or in a new random order each time. The window of a visit
// ends one millisecond after that of the visit before, so each point advances its stream's time.
type walk struct {
	first   int
	order   []int32
	shuffle *rand.Rand // nil: in order
	at      int
	end     time.Time
}

// newWalk walks over streams first to first+count-1.
func newWalk(first, count int, random bool, seed uint64) *walk {
	w := &walk{first: first, order: make([]int32, count)}
	for i := range w.order {
		w.order[i] = int32(i)
	}
	if random {
		w.shuffle = rand.New(rand.NewPCG(seed, uint64(first)))
		w.mix()
	}
	return w
}

func (w *walk) mix() {
	if w.shuffle != nil {
		w.shuffle.Shuffle(len(w.order), func(i, j int) { w.order[i], w.order[j] = w.order[j], w.order[i] })
	}
}

// begin prepares for visits, of which the last is to end before now. It waits until there is room for them.
func (w *walk) begin(visits int) {
	passes := visits/len(w.order) + 2
	span := time.Duration(passes) * time.Millisecond
	if wait := time.Until(w.end.Add(span + time.Millisecond)); wait > 0 {
		time.Sleep(wait)
	}
	w.end = time.Now().Add(-span).Truncate(time.Millisecond)
}

// next returns the place of the next visit.
func (w *walk) next() place {
	if w.at == len(w.order) {
		w.at = 0
		w.end = w.end.Add(time.Millisecond)
		w.mix()
	}
	stream := w.first + int(w.order[w.at])
	w.at++
	return place{stream: stream, end: w.end}
}
