// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package tokenledgerconnector

import (
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// Without cgo there is no price table, so a connector cannot start: that is tested here. The generated lifecycle test
// starts one, so it is left out.
func init() {
	testing.Init()
	if err := flag.Set("test.skip", "^TestComponentLifecycle$/-lifecycle$"); err != nil {
		panic(err)
	}
	fmt.Println("built without cgo: leaving out TestComponentLifecycle/*-lifecycle, which need the price table")
}

// Scenario: the binary was built with CGO_ENABLED=0.
// Guarantee: Start fails and says what to do; Shutdown is fine.
func TestStartWithoutCgo(t *testing.T) {
	factory := NewFactory()
	c, err := factory.CreateLogsToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), factory.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, c.Start(t.Context(), componenttest.NewNopHost()), "CGO_ENABLED=0")
	require.NoError(t, c.Shutdown(t.Context()))
}
