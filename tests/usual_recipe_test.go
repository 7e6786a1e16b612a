package tests

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestUsualRecipe leaves token_ledger out, as the usual recipes do. It guarantees that the README tells the truth about
// them (a fifth of the tokens), and that the other tests would notice: this page is the one they find exact.
func TestUsualRecipe(t *testing.T) {
	t.Parallel()
	for _, encoding := range []capture.Encoding{capture.JSON, capture.Protobuf} {
		usual := harness.Setup{Config: "service: {pipelines: {metrics: {processors: [memory_limiter]}}}"}
		collector := harness.StartCollector(t, usual)
		c := load(t, capture.Versions[0], encoding, "usual recipe")
		require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), c.Of(capture.Metrics)))
		assert.Equal(t, 79_344.0, collector.Page(t).Sum("claude_code_token_usage"), "%s: of 396,720", encoding)
	}
}
