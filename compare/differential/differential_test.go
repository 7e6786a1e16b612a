package differential

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	value, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return value
}

// enoughForAll is a number of scenarios in which every class occurs many times.
const enoughForAll = 1000

// Scenario: some thousand random scenarios. Guarantee: both processors deliver exactly what is predicted of them,
// token_ledger's totals are the sums of the distinct windows, every difference belongs to a class, and every class
// occurs.
func TestRandomStreams(t *testing.T) {
	seed := setting(t, "TOKENLEDGER_DIFFERENTIAL_SEED", uint64(time.Now().UnixNano()))
	count := setting(t, "TOKENLEDGER_DIFFERENTIAL_SCENARIOS", 2000)
	t.Logf("TOKENLEDGER_DIFFERENTIAL_SEED=%d TOKENLEDGER_DIFFERENTIAL_SCENARIOS=%d", seed, count)
	occurred := map[string]int{}
	for number := range count {
		s := generate(seed, number)
		ours, contrib := run(t, s)
		f := check(s, ours, contrib)
		for _, fault := range f.faults {
			t.Errorf("%s: %s", s.Name, fault)
		}
		if t.Failed() {
			return
		}
		for name, differences := range f.classes {
			occurred[name] += differences
		}
	}
	for _, class := range Classes {
		t.Logf("%-26s %6d", class.Name, occurred[class.Name])
		if occurred[class.Name] == 0 && count >= enoughForAll {
			t.Errorf("class %s explains nothing", class.Name)
		}
	}
}

// Scenario: the smallest case of each class. Guarantee: both processors send what docs/differences.md shows, and no
// other class claims the case.
func TestExamples(t *testing.T) {
	for i := range examples {
		e := &examples[i]
		t.Run(e.class, func(t *testing.T) {
			ours, contrib := run(t, e.scenario())
			assert.Equal(t, e.contrib, shown(contrib), "contrib")
			assert.Equal(t, e.ours, shown(ours), "token_ledger")
			f := check(e.scenario(), ours, contrib)
			assert.Empty(t, f.faults)
			assert.ElementsMatch(t, append(e.also, e.class), slices.Collect(maps.Keys(f.classes)))
		})
	}
}
