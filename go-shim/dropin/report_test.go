// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// Scenario: something was repaired and something added, at a start with a log.
// Guarantee: each is one line at its own level with place and rule, and nothing goes to standard error.
func TestReportGoesToTheLog(t *testing.T) {
	var report report
	report.warn("rule-a", []string{"exporters", "x"}, "write %q", "y")
	report.inform("rule-b", []string{"service"}, "done")
	core, logs := observer.New(zapcore.InfoLevel)
	var stderr strings.Builder
	report.print(zap.New(core), &stderr)

	assert.Empty(t, stderr.String())
	require.Equal(t, 2, logs.Len())
	first, second := logs.All()[0], logs.All()[1]
	assert.Equal(t, zapcore.WarnLevel, first.Level)
	assert.Equal(t, `write "y"`, first.Message)
	assert.Equal(t, map[string]any{"at": "exporters::x", "rule": "rule-a"}, first.ContextMap())
	assert.Equal(t, zapcore.InfoLevel, second.Level)
}

// Scenario: print-config converts without a log, or with one that shows nothing.
// Guarantee: the same lines are on standard error.
func TestReportGoesToStandardError(t *testing.T) {
	var report report
	report.warn("rule-a", []string{"exporters", "x"}, "write %q", "y")
	report.inform("rule-b", []string{"service"}, "done")
	for _, logger := range []*zap.Logger{nil, zap.NewNop()} {
		var stderr strings.Builder
		report.print(logger, &stderr)
		assert.Equal(t, "warning: rule-a: exporters::x: write \"y\"\ninfo: rule-b: service: done\n", stderr.String())
	}
}

// Scenario: command lines with the sub-command in different places, and without.
// Guarantee: validate is recognised, since its log is never written; a file of that name is not taken for it.
func TestValidateHasNoLog(t *testing.T) {
	core, _ := observer.New(zapcore.DebugLevel)
	for line, shown := range map[string]bool{
		"otelcol":                                    true,
		"otelcol --config=a.yaml":                    true,
		"otelcol --config a.yaml":                    true,
		"otelcol --config validate":                  true,
		"otelcol validate --config a.yaml":           false,
		"otelcol --config a.yaml validate":           false,
		"otelcol --config=a --set=b=c validate":      false,
		"otelcol --feature-gates -a --config a.yaml": true,
	} {
		assert.Equal(t, shown, logged(zap.New(core), strings.Fields(line)), line)
	}
}

// Scenario: a configuration is converted at a start, and again at a reload.
// Guarantee: both times all lines are given: they are about what runs from then on.
func TestReloadReportsAgain(t *testing.T) {
	conf := resolve(t, baseConfiguration(t), "exporters: {logging: }")
	again := resolve(t, baseConfiguration(t), "exporters: {logging: }")
	core, logs := observer.New(zapcore.InfoLevel)
	c := &converter{logger: zap.New(core), environment: fixedEnvironment(nil)}
	require.NoError(t, c.Convert(context.Background(), conf))
	first := logs.Len()
	require.NotZero(t, logs.FilterField(zap.String("rule", ruleExporterLogging)).Len())
	require.NoError(t, c.Convert(context.Background(), again))
	assert.Equal(t, 2*first, logs.Len())
}
