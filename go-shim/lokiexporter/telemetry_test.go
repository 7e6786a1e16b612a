// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/metadatatest"
	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// valuesOnly leaves out of a comparison when and in which trace something was counted.
var valuesOnly = []metricdatatest.Option{metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars()}

// Scenario: records without labels and with an unknown format come twice, once after a repetition; another batch is refused.
// Guarantee: the metrics count each record once, and each warning is said once.
func TestTelemetry(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.WithoutCancel(t.Context()))) })
	set := metadatatest.NewSettings(tt)
	core, logged := observer.New(zapcore.WarnLevel)
	set.Logger = zap.New(core)
	answers := []int{503, 204, 204, 400}
	loki := &lokitest.Loki{Answers: func(n int, _ lokitest.Request) lokitest.Answer { return lokitest.Answer{Status: answers[n]} }}
	e := startedWith(t, configured(loki.Start(t), func(cfg *Config) {
		cfg.DefaultLabelsEnabled = DefaultLabelsConfig{Job: true}
		cfg.RetryConfig.Enabled = true
		cfg.RetryConfig.InitialInterval = time.Millisecond
	}), set, componenttest.NewNopHost())

	odd := map[string]any{"loki.format": "xml"}
	require.NoError(t, e.ConsumeLogs(t.Context(), logsOf(t, nil, nil, odd)))
	require.NoError(t, e.ConsumeLogs(t.Context(), logsOf(t, nil, nil, odd, odd)))
	require.ErrorContains(t, e.ConsumeLogs(t.Context(), logsOf(t, map[string]any{"service.name": "a"}, nil, nil)), http.StatusText(400))

	id := attribute.String("exporter", set.ID.String())
	adapted := func(reason string, value int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(id, attribute.String("reason", reason)), Value: value}
	}
	metadatatest.AssertEqualExporterLokiAdaptedRecords(t, tt,
		[]metricdata.DataPoint[int64]{adapted("no_label", 5), adapted("unknown_format", 3)}, valuesOnly...)
	metadatatest.AssertEqualExporterLokiRefusedRecords(t, tt, []metricdata.DataPoint[int64]{{Attributes: attribute.NewSet(id), Value: 2}}, valuesOnly...)
	assert.Equal(t, 1, logged.FilterMessageSnippet("Records without a label").Len())
	assert.Equal(t, 1, logged.FilterMessageSnippet("none of json, logfmt, raw").Len())
}

// Scenario: one tenant's records are refused for good while another's wait.
// Guarantee: the refusal is in the metric and in the log, with Loki's words, though the error asks for repetition only.
func TestRefusalOfOneTenantIsSaid(t *testing.T) {
	tt := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tt.Shutdown(context.WithoutCancel(t.Context()))) })
	set := metadatatest.NewSettings(tt)
	core, logged := observer.New(zapcore.ErrorLevel)
	set.Logger = zap.New(core)
	loki := &lokitest.Loki{Answers: func(_ int, r lokitest.Request) lokitest.Answer {
		return map[string]lokitest.Answer{"a": {Status: 400, Text: "too old"}, "b": {Status: 503}, "": {}}[r.Tenant]
	}}
	e := startedWith(t, configured(loki.Start(t), nil), set, componenttest.NewNopHost())
	require.ErrorContains(t, e.ConsumeLogs(t.Context(), tenantLogs(t)), "503")

	found := logged.FilterMessageSnippet("one tenant").All()
	require.Len(t, found, 1)
	assert.Contains(t, found[0].ContextMap()["error"], "too old")
	metadatatest.AssertEqualExporterLokiRefusedRecords(t, tt,
		[]metricdata.DataPoint[int64]{{Attributes: attribute.NewSet(attribute.String("exporter", set.ID.String())), Value: 2}}, valuesOnly...)
}
