// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

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
// Guarantee: `prometheus_labels`, for metrics only, with defaults that validate; data is changed in place, and the
// pipeline knows it.
func TestFactory(t *testing.T) {
	factory := NewFactory()
	assert.Equal(t, component.MustNewType("prometheus_labels"), factory.Type())
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
