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
	// stepped lets each request have a time of its own, for streams that become one: contrib drops what has the same
	// time as a request before.
	stepped bool
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

// reach is how far back the windows of a stepped walk begin, so that there is a time for each request. Where it has to
// wait for the clock all the same, nothing is measured meanwhile.
const reach = 4 * time.Minute

// begin prepares for visits in requests of that many points, of which the last is to end before now. It waits until
// there is room for them.
func (w *walk) begin(visits, batch int) {
	if w.stepped {
		w.end = later(w.end, time.Now().Add(-reach).Truncate(time.Millisecond))
		time.Sleep(time.Until(w.end.Add(time.Duration(visits/batch+1) * time.Millisecond)))
		return
	}
	passes := visits/len(w.order) + 2
	span := time.Duration(passes) * time.Millisecond
	if wait := time.Until(w.end.Add(span + time.Millisecond)); wait > 0 {
		time.Sleep(wait)
	}
	w.end = time.Now().Add(-span).Truncate(time.Millisecond)
}

// visits are the places of the next request.
func (w *walk) visits(count int) []place {
	places := make([]place, count)
	for i := range places {
		places[i] = w.next()
	}
	if w.stepped {
		w.end = w.end.Add(time.Millisecond)
	}
	return places
}

// next returns the place of the next visit.
func (w *walk) next() place {
	if w.at == len(w.order) {
		w.at = 0
		if !w.stepped {
			w.end = w.end.Add(time.Millisecond)
		}
		w.mix()
	}
	stream := w.first + int(w.order[w.at])
	w.at++
	return place{stream: stream, end: w.end}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
