package differential

import (
	"maps"
	"slices"
	"time"
)

// life is what is known of one stream of token_ledger's output since it began or was forgotten (L1).
type life struct {
	start, time uint64
	value       float64
	begun       bool
	// lost means that the first value was refused; its zero then does not come again (L4).
	lost bool
}

// comparePromises holds what token_ledger delivered against what its rules promise every reader of the output. It
// needs no prediction, so a mistake in ledgerReplay cannot hide a fault.
func (f *findings) comparePromises(s *Scenario, ours record) {
	monotonic := map[string]bool{}
	for i := range s.Requests {
		for _, w := range s.Requests[i].Windows {
			monotonic[w.Stream.key()], monotonic[w.Stream.overflowKey()] = w.Stream.Monotonic, w.Stream.Monotonic
		}
	}
	lives := map[string]*life{}
	next := 1
	for _, moment := range slices.Sorted(maps.Keys(ours)) {
		for ; next < len(s.Requests) && s.Requests[next].At <= moment; next++ {
			if s.forgets(next) {
				clear(lives)
			}
		}
		for key, outputs := range ours[moment].streams {
			if lives[key] == nil {
				lives[key] = &life{}
			}
			if ours[moment].refused {
				lives[key].lost = lives[key].lost || len(outputs) > 1 || outputs[0].Value.float() != 0
				continue
			}
			for _, output := range outputs {
				f.follows(lives[key], output, key, monotonic[key], s.oldest(moment), moment)
			}
		}
	}
}

// oldest is the time before which nothing may go out at a moment (D4).
func (s *Scenario) oldest(moment time.Duration) uint64 {
	if s.MaxLag == 0 {
		return 0
	}
	return uint64(begin.Add(moment - s.MaxLag).UnixNano())
}

// follows checks one output against the one before it.
func (f *findings) follows(l *life, output Output, key string, monotonic bool, oldest uint64, moment time.Duration) {
	now := uint64(begin.Add(moment).UnixNano())
	promise := func(kept bool, rule string) {
		if !kept {
			f.fault("token_ledger at %s: %s: %s breaks %s (before: %+v)", moment, key, output, rule, *l)
		}
	}
	promise(output.Time%nanosPerMilli == 0, "D4, whole milliseconds")
	promise(output.Time <= max(now, l.time+nanosPerMilli), "D4, not after now")
	promise(output.Time >= oldest, "D4, not before now − max_lag")
	promise(output.Start <= output.Time, "D6, a stream starts before its values")
	promise(!output.Unrecorded, "D9, no flag")
	promise(output.Value.isFinite() && !output.Value.isEmpty(), "D8, finite values")
	if l.begun {
		promise(output.Time > l.time, "D4, increasing times")
		promise(output.Start == l.start, "D2, one start")
		promise(!monotonic || output.Value.float() >= l.value, "D2, monotonic totals")
	} else if monotonic && !l.lost {
		promise(output.Value.float() == 0, "D6, the first value is 0")
	}
	*l = life{start: output.Start, time: output.Time, value: output.Value.float(), begun: true}
}
