// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Scenario: the collector asks the factory what it makes.
// Guarantee: `token_ledger`, alpha for all three signals, with defaults that validate.
func TestFactory(t *testing.T) {
	factory := NewFactory()
	assert.Equal(t, component.MustNewType("token_ledger"), factory.Type())
	assert.Equal(t, component.StabilityLevelAlpha, factory.MetricsStability())
	assert.Equal(t, component.StabilityLevelAlpha, factory.LogsStability())
	assert.Equal(t, component.StabilityLevelAlpha, factory.TracesStability())
	require.NoError(t, confmap.Validate(factory.CreateDefaultConfig()))
}

// Scenario: a metrics processor is created.
// Guarantee: it announces that it changes data, so that the collector gives it a copy of its own where needed.
func TestMetricsAreChangedInPlace(t *testing.T) {
	factory := NewFactory()
	p, err := factory.CreateMetrics(t.Context(), processortest.NewNopSettings(metadata.Type), factory.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	assert.True(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Shutdown(t.Context()))
}
