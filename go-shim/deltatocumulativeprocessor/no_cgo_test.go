// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package deltatocumulativeprocessor

import (
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor/internal/metadata"
)

// Without cgo there is no engine, so a processor cannot start: that is tested here. The generated lifecycle test
// starts one, so it is left out.
func init() {
	testing.Init()
	if err := flag.Set("test.skip", "^TestComponentLifecycle$/^metrics-lifecycle$"); err != nil {
		panic(err)
	}
	fmt.Println("built without cgo: leaving out TestComponentLifecycle/metrics-lifecycle, which needs the engine")
}

// Scenario: the binary was built with CGO_ENABLED=0.
// Guarantee: Start fails and says what to do; Shutdown is fine.
func TestStartWithoutCgo(t *testing.T) {
	factory := NewFactory()
	p, err := factory.CreateMetrics(t.Context(), processortest.NewNopSettings(metadata.Type), factory.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, p.Start(t.Context(), componenttest.NewNopHost()), "CGO_ENABLED=0")
	require.NoError(t, p.Shutdown(t.Context()))
}
