package tests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// TestDropInRestart stops the collector of a known stack in the middle of the sessions and starts it again.
//
// Scenario: its configuration knows nothing of a ledger; the directory for it, which the image has, can be written.
// Guarantee: totals go on after the restart as if there had been none.
func TestDropInRestart(t *testing.T) {
	t.Parallel()
	seed := seeds.Shapes(harness.MustRoot(t))[4] // without a namespace, which Settle does not know
	box := harness.StartBox(t, stackHosts...)
	setup := harness.BoxedSetup{
		Binary: product(t), Arguments: configArguments(seed.Collector), Env: atOnce("TOKENLEDGER_STATE_DIR=" + t.TempDir()),
	}
	sent := load(t, "2.1.197", capture.Protobuf, "restart")
	requests := sent.Of(capture.Metrics)
	half := len(requests) / 2

	first := box.StartCollector(t, setup)
	require.NoError(t, first.Client(t, harness.GRPC).SendAll(t.Context(), requests[:half]))
	require.Zero(t, first.Stop(t, harness.Patience))

	second := box.StartCollector(t, setup)
	require.NoError(t, second.Client(t, harness.GRPC).SendAll(t.Context(), requests[half:]))
	second.Settle(t)
	requireStackTruth(t, second.Page(t), seed.Own(), sent)
}
