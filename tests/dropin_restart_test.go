package tests

import (
	"errors"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// TestDropInRestart stops the collector of a known stack in the middle of the sessions and starts it again, kills one, and
// makes another one read its configuration again.
//
// Scenario: its configuration knows nothing of a ledger, and batches for ten seconds; the directory for the ledger, which
// the image has, can be written.
// Guarantee: totals go on as if nothing had been.
func TestDropInRestart(t *testing.T) {
	t.Parallel()
	seed := seeds.Shapes(harness.MustRoot(t))[4] // without a namespace, which Settle does not know
	for name, interrupt := range map[string]func(*testing.T, *harness.Collector, func() *harness.Collector) *harness.Collector{
		"restart": func(t *testing.T, c *harness.Collector, start func() *harness.Collector) *harness.Collector {
			require.Zero(t, c.Stop(t, harness.Patience))
			return start()
		},
		// Right after the answer: a batch of ten seconds that took the data before us would still hold it.
		"kill": func(t *testing.T, c *harness.Collector, start func() *harness.Collector) *harness.Collector {
			c.Kill(t)
			return start()
		},
		"reload": func(t *testing.T, c *harness.Collector, _ func() *harness.Collector) *harness.Collector {
			c.Signal(t, syscall.SIGHUP)
			harness.Eventually(t, harness.Patience, "second start of the parts", func() error {
				if c.ReadyCount() < 2 {
					return errors.New("not yet ready again")
				}
				return nil
			})
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box, state := harness.StartBox(t, stackHosts...), t.TempDir()
			start := func() *harness.Collector {
				return box.StartCollector(t, harness.BoxedSetup{
					Binary: product(t), Arguments: configArguments(seed.Collector), Env: atOnce("TOKENLEDGER_STATE_DIR=" + state),
				})
			}
			sent := load(t, "2.1.197", capture.Protobuf, name)
			requests := sent.Of(capture.Metrics)
			half := len(requests) / 2
			c := start()
			require.NoError(t, c.Client(t, harness.GRPC).SendAll(t.Context(), requests[:half]))
			c = interrupt(t, c, start)
			require.NoError(t, c.Client(t, harness.GRPC).SendAll(t.Context(), requests[half:]))
			c.Settle(t)
			requireStackTruth(t, c.Page(t), seed.Own(), sent)
		})
	}
}
