package differential

// distinctTotals is the truth: by stream, the sum of its distinct windows. It knows nothing of order, arrival,
// requests or output. A window without time cannot be told apart from another, so each counts (D3a).
//
// The order of the windows decides at one place only: what would make a total infinite is left out.
func distinctTotals(s *Scenario) map[string]exact {
	totals := map[string]exact{}
	seen := map[string]bool{}
	for i := range s.Requests {
		for _, w := range s.Requests[i].Windows {
			known := w.Time != 0 && seen[w.fingerprint()]
			if known || w.usable() != counted {
				continue
			}
			seen[w.fingerprint()] = true
			key := w.Stream.key()
			if _, ok := totals[key]; !ok {
				totals[key] = newExact()
			}
			if sum := totals[key].plus(w.Value); sum.fitsCounts() && sum.fitsDouble() {
				totals[key] = sum
			}
		}
	}
	return totals
}

// byPath adds up streams of the same metric: what remains comparable when streams have no room of their own (T5).
func byPath[T any](s *Scenario, totals map[string]T, add func(...T) T) map[string]T {
	paths := map[string]string{}
	for i := range s.Requests {
		for _, w := range s.Requests[i].Windows {
			paths[w.Stream.key()], paths[w.Stream.overflowKey()] = w.Stream.path(), w.Stream.path()
		}
	}
	sums := map[string]T{}
	for key, total := range totals {
		if before, ok := sums[paths[key]]; ok {
			total = add(before, total)
		}
		sums[paths[key]] = total
	}
	return sums
}
