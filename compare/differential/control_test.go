package differential

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// play gives the recorded outputs of an example.
func play(t *testing.T, class string) (s *Scenario, ours, contrib record) {
	i := slices.IndexFunc(examples, func(e example) bool { return e.class == class })
	require.GreaterOrEqual(t, i, 0, class)
	s = examples[i].scenario()
	ours, contrib = run(t, s)
	require.Empty(t, check(s, ours, contrib).faults)
	return s, ours, contrib
}

// corrupt changes the last output of the example's stream.
func corrupt(r record, change func(d *delivery, outputs []Output) []Output) {
	var last *delivery
	for _, d := range r {
		outputs := d.streams[exampleStream.key()]
		if len(outputs) > 0 && (last == nil || outputs[0].Time > last.streams[exampleStream.key()][0].Time) {
			last = d
		}
	}
	if changed := change(last, last.streams[exampleStream.key()]); len(changed) > 0 {
		last.streams[exampleStream.key()] = changed
	} else {
		delete(last.streams, exampleStream.key())
	}
}

// Scenario: what was recorded is falsified in one place, for either processor. Guarantee: the check notices, so its
// silence means something.
func TestCorruptionIsNoticed(t *testing.T) {
	edit := func(change func(*Output)) func(*delivery, []Output) []Output {
		return func(_ *delivery, outputs []Output) []Output {
			change(&outputs[len(outputs)-1])
			return outputs
		}
	}
	for name, change := range map[string]func(*delivery, []Output) []Output{
		"value":     edit(func(o *Output) { o.Value.Int++ }),
		"type":      edit(func(o *Output) { o.Value = double(float64(o.Value.Int)) }),
		"time":      edit(func(o *Output) { o.Time += nanosPerMilli }),
		"start":     edit(func(o *Output) { o.Start++ }),
		"flag":      edit(func(o *Output) { o.Unrecorded = true }),
		"exemplars": edit(func(o *Output) { o.Exemplars = append(o.Exemplars, 3) }),
		"lost":      func(_ *delivery, outputs []Output) []Output { return outputs[:len(outputs)-1] },
		"twice":     func(_ *delivery, outputs []Output) []Output { return append(outputs, outputs[len(outputs)-1]) },
		"misnamed": func(d *delivery, outputs []Output) []Output {
			d.streams["another stream"] = outputs
			return nil
		},
		"refused": func(d *delivery, outputs []Output) []Output {
			d.refused = true
			return outputs
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, ours, contrib := play(t, "late_window")
			corrupt(ours, change)
			assert.NotEmpty(t, check(s, ours, contrib).faults, "token_ledger")
			s, ours, contrib = play(t, "late_window")
			corrupt(contrib, change)
			assert.NotEmpty(t, check(s, ours, contrib).faults, "contrib")
		})
	}
}

// Scenario: one class is missing. Guarantee: its example is no longer explained, so no class covers for another.
func TestEachClassIsNeeded(t *testing.T) {
	all := Classes
	t.Cleanup(func() { Classes = all })
	for i, class := range all {
		Classes = slices.Delete(slices.Clone(all), i, i+1)
		s := examples[i].scenario()
		ours, contrib := run(t, s)
		assert.NotEmpty(t, check(s, ours, contrib).faults, class.Name)
	}
}

// Scenario: token_ledger loses a window, and the restatement of its rules makes the same mistake. Guarantee: the sum
// of the distinct windows, which knows no rules, tells.
func TestTruthIsIndependent(t *testing.T) {
	s, ours, _ := play(t, "late_window")
	f := &findings{}
	s.Requests = append(s.Requests, at(61.5, sent(50, 60, integer(1))))
	f.compareTotals(s, nil, ours)
	assert.Len(t, f.faults, 1)
}

// Scenario: a reader of token_ledger's output sees a total fall, a time stand still, a first value without zero.
// Guarantee: the promises are checked without any prediction.
func TestPromisesAreIndependent(t *testing.T) {
	for name, outputs := range map[string][]Output{
		"falls":        {{Start: 1, Time: nanosPerMilli, Value: integer(0)}, {Start: 1, Time: 2 * nanosPerMilli, Value: integer(-1)}},
		"stands still": {{Start: 1, Time: nanosPerMilli, Value: integer(0)}, {Start: 1, Time: nanosPerMilli, Value: integer(1)}},
		"no zero":      {{Start: 1, Time: nanosPerMilli, Value: integer(1)}},
		"two starts":   {{Start: 1, Time: nanosPerMilli, Value: integer(0)}, {Start: 2, Time: 2 * nanosPerMilli, Value: integer(1)}},
		"microseconds": {{Start: 1, Time: nanosPerMilli + 1, Value: integer(0)}},
	} {
		s := &Scenario{Requests: []Request{at(0.5, sent(0, 0.5, integer(1)))}}
		r := record{}
		r.at(s.Requests[0].At).streams[exampleStream.key()] = outputs
		f := &findings{}
		f.comparePromises(s, r)
		assert.Len(t, f.faults, 1, name)
	}
}
