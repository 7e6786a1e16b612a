package differential

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// split sends each window of a scenario in a request of its own, a moment after the one before it.
func split(s *Scenario) *Scenario {
	variant := *s
	variant.Requests = nil
	for _, r := range s.Requests {
		for i, window := range r.Windows {
			part := r
			part.Windows = []Window{window}
			part.At += time.Duration(i) * 333 * time.Microsecond // never a whole second
			variant.Requests = append(variant.Requests, part)
		}
	}
	return &variant
}

// merge puts each request that is not refused together with the one after it.
func merge(s *Scenario) *Scenario {
	variant := *s
	variant.Requests = nil
	for _, r := range s.Requests {
		if last := len(variant.Requests) - 1; last >= 0 && len(variant.Requests)%2 == 1 && !r.Refused && !variant.Requests[last].Refused {
			before := variant.Requests[last].Windows
			r.Windows = append(append([]Window{}, before...), r.Windows...)
			variant.Requests[last] = r
			continue
		}
		variant.Requests = append(variant.Requests, r)
	}
	return &variant
}

// Scenario: the same windows once as clients sent them, once each in a request of its own or several requests in one,
// as a batching proxy does. Guarantee: token_ledger's totals are the same sums, and the classes explain the rest.
func TestSplitDoesNotMatter(t *testing.T) {
	seed := setting(t, "TOKENLEDGER_DIFFERENTIAL_SEED", uint64(time.Now().UnixNano()))
	t.Logf("TOKENLEDGER_DIFFERENTIAL_SEED=%d", seed)
	for number := range uint64(400) {
		s := generate(seed, number)
		variants := []*Scenario{split(s)}
		if number%8 > 2 { // see profile: other scenarios could not be predicted
			variants = append(variants, merge(s))
		}
		for _, variant := range variants {
			ours, contrib := run(t, variant)
			f := check(variant, ours, contrib)
			assert.Empty(t, f.faults, "%s", s.Name)
			for key, total := range distinctTotals(s) {
				same := distinctTotals(variant)[key]
				assert.Zero(t, total.sum.Cmp(same.sum), "%s: the truth of %s depends on the split", s.Name, key)
			}
			if t.Failed() {
				return
			}
		}
	}
}
