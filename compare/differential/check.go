package differential

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// findings is what the check of one scenario brought up.
type findings struct {
	// faults are the deviations from what was predicted, and differences that no class explains.
	faults []string
	// classes counts the differences by the classes that explain them.
	classes map[string]int
}

func (f *findings) fault(format string, arguments ...any) {
	f.faults = append(f.faults, fmt.Sprintf(format, arguments...))
}

// check judges what was recorded of a scenario.
func check(s *Scenario, ours, contrib record) *findings {
	f := &findings{classes: map[string]int{}}
	requests := points(s)
	rival := replayContrib(s, requests)
	ledger := replayLedger(s, requests)
	f.compare("contrib", rival.record, contrib, func(d *delivery, key string, i int, got Output) error {
		want := d.streams[key][i]
		if want.Value.isDistribution() && got.Value.isDistribution() {
			want.Value = got.Value // judged point by point, see adopt
		}
		if !want.same(got) {
			return errOther
		}
		return nil
	})
	rival.adopt(requests, contrib)
	f.compare("token_ledger", ledger.record, ours, func(d *delivery, key string, i int, got Output) error {
		want := d.streams[key][i]
		if !want.sameButValue(got) || want.Value.Kind != got.Value.Kind {
			return errOther
		}
		return ledger.totals[d][key][i].shownBy([]Value{got.Value})
	})
	f.compareTotals(s, requests, ours)
	f.comparePromises(s, ours)
	for _, d := range differences(s, requests, ledger) {
		names := Explain(&d)
		for _, name := range names {
			f.classes[name]++
		}
		if len(names) == 0 {
			f.fault("no class explains: %s", &d)
		}
	}
	return f
}

// errOther is a delivery that differs in plain sight.
var errOther = errors.New("another output")

func sameLength(want, got []Output) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d outputs", len(got))
	}
	return nil
}

// compare tells where a processor delivered something other than predicted.
func (f *findings) compare(who string, predicted, recorded record, equal func(d *delivery, key string, i int, got Output) error) {
	moments := map[time.Duration]bool{}
	for moment := range predicted {
		moments[moment] = true
	}
	for moment := range recorded {
		moments[moment] = true
	}
	for _, moment := range slices.Sorted(maps.Keys(moments)) {
		want, got := predicted.at(moment), recorded.at(moment)
		if want.refused != got.refused || want.hollow != got.hollow || !slices.Equal(want.extra, got.extra) {
			f.fault("%s at %s: predicted refused=%t hollow=%d extra=%v, recorded refused=%t hollow=%d extra=%v", who, moment,
				want.refused, want.hollow, want.extra, got.refused, got.hollow, got.extra)
		}
		for _, key := range keysOf(want.streams, got.streams) {
			err := sameLength(want.streams[key], got.streams[key])
			for i := 0; err == nil && i < len(got.streams[key]); i++ {
				err = equal(want, key, i, got.streams[key][i])
			}
			if err != nil {
				f.fault("%s at %s: %s: predicted %v, recorded %v: %v", who, moment, key, want.streams[key], got.streams[key], err)
			}
		}
	}
}

func keysOf(a, b map[string][]Output) []string {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

// compareTotals holds the totals that left token_ledger against the truth. Streams are compared one by one; where
// some had no room, metric by metric. Windows that came again after D3 forgot them count twice, as documented.
func (f *findings) compareTotals(s *Scenario, requests [][]*Point, ours record) {
	truth, shown := distinctTotals(s), lastTotals(s, ours)
	for _, points := range requests {
		for _, p := range points {
			if p.Fate == again {
				truth[p.Stream.key()] = truth[p.Stream.key()].plus(p.Value)
			}
		}
	}
	if s.MaxStreams < len(truth) {
		truth, shown = byPath(s, truth, addExact), byPath(s, shown, slices.Concat[[]Value])
	}
	for key, total := range truth {
		if err := total.shownBy(shown[key]); err != nil {
			f.fault("token_ledger's totals of %s are %s, the sum of its distinct windows is %s: %v", key, shown[key], total, err)
		}
	}
	for key := range shown {
		if _, ok := truth[key]; !ok {
			f.fault("token_ledger shows %s, which nobody sent", key)
		}
	}
}

// lastTotals lists, by stream, the last delivered total of each life of the stream: it has a new one each time it was
// forgotten (L1).
func lastTotals(s *Scenario, r record) map[string][]Value {
	totals, last := map[string][]Value{}, map[string]Value{}
	endLives := func() {
		for key, value := range last {
			totals[key] = append(totals[key], value)
		}
		clear(last)
	}
	next := 1
	for _, moment := range slices.Sorted(maps.Keys(r)) {
		for ; next < len(s.Requests) && s.Requests[next].At <= moment; next++ {
			if s.forgets(next) {
				endLives()
			}
		}
		if r[moment].refused {
			continue
		}
		for key, outputs := range r[moment].streams {
			last[key] = outputs[len(outputs)-1].Value
		}
	}
	endLives()
	return totals
}
