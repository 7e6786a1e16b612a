// SPDX-License-Identifier: Apache-2.0

package deltatocumulativeprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor/processortest"
)

// Scenario: the collector asks the factory what it makes.
// Guarantee: `delta_to_cumulative`, for metrics only, with defaults that validate; data is changed in place.
func TestFactory(t *testing.T) {
	factory := NewFactory()
	assert.Equal(t, component.MustNewType("delta_to_cumulative"), factory.Type())
	assert.Equal(t, component.StabilityLevelAlpha, factory.MetricsStability())
	require.NoError(t, confmap.Validate(factory.CreateDefaultConfig()))
	set := processortest.NewNopSettings(factory.Type())
	p, err := factory.CreateMetrics(t.Context(), set, factory.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	assert.True(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Shutdown(t.Context()))
	_, err = factory.CreateLogs(t.Context(), set, factory.CreateDefaultConfig(), consumertest.NewNop())
	require.ErrorIs(t, err, pipeline.ErrSignalNotSupported)
}

// Scenario: a configuration uses the former name.
// Guarantee: it gets the same processor.
func TestFormerName(t *testing.T) {
	factory := NewFactory()
	for _, name := range []string{"delta_to_cumulative", "deltatocumulative"} {
		set := processortest.NewNopSettings(component.MustNewType(name))
		p, err := factory.CreateMetrics(t.Context(), set, factory.CreateDefaultConfig(), consumertest.NewNop())
		require.NoError(t, err)
		require.NoError(t, p.Shutdown(t.Context()))
	}
	set := processortest.NewNopSettings(component.MustNewType("delta_to_anything"))
	_, err := factory.CreateMetrics(t.Context(), set, factory.CreateDefaultConfig(), consumertest.NewNop())
	require.Error(t, err)
}
