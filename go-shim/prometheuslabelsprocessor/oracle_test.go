// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// shown is what the exporter of contrib v0.158.0 makes of one point, restated from getMetricMetadata in its collector.go:
// all labels in order, also where a name comes twice. An error is one because of which it drops the series.
func shown(resource pcommon.Map, scope pmetric.ScopeMetrics, point pcommon.Map, cfg *Config) ([][2]string, error) {
	namer := otlptranslator.LabelNamer{
		UTF8Allowed:                 cfg.TranslationStrategy == noTranslation || cfg.TranslationStrategy == noUTF8EscapingWithSuffixes,
		PreserveMultipleUnderscores: true,
	}
	var labels [][2]string
	add := func(prefix, key, value string) error {
		name, err := namer.Build(prefix + key)
		labels = append(labels, [2]string{name, value})
		return err
	}
	for key, value := range point.All() {
		if err := add("", key, value.AsString()); err != nil {
			return nil, err
		}
	}
	if !cfg.WithoutScopeInfo {
		for key, value := range scope.Scope().Attributes().All() {
			if key == "name" || key == "version" || key == "schema_url" {
				continue
			}
			if err := add("otel_scope_", key, value.AsString()); err != nil {
				return nil, err
			}
		}
		labels = append(labels, [2]string{"otel_scope_name", scope.Scope().Name()},
			[2]string{"otel_scope_version", scope.Scope().Version()}, [2]string{"otel_scope_schema_url", scope.SchemaUrl()})
	}
	if name, ok := resource.Get("service.name"); ok {
		job := name.AsString()
		if namespace, ok := resource.Get("service.namespace"); ok {
			job = fmt.Sprintf("%s/%s", namespace.AsString(), job)
		}
		labels = append(labels, [2]string{"job", job})
	}
	if id, ok := resource.Get("service.instance.id"); ok {
		labels = append(labels, [2]string{"instance", id.AsString()})
	}
	return labels, nil
}

// fit returns why client_golang would refuse labels of a metric of that kind; "" if it does not.
func fit(labels [][2]string, kind pmetric.MetricType) string {
	seen := map[string]bool{}
	for _, label := range labels {
		name, value := label[0], label[1]
		histogram := kind == pmetric.MetricTypeHistogram || kind == pmetric.MetricTypeExponentialHistogram
		switch {
		case seen[name]:
			return fmt.Sprintf("%q comes twice", name)
		case name == "" || strings.HasPrefix(name, "__") || !utf8.ValidString(name):
			return fmt.Sprintf("%q is no name", name)
		case !utf8.ValidString(value):
			return fmt.Sprintf("%q is no value", value)
		case histogram && name == "le", kind == pmetric.MetricTypeSummary && name == "quantile":
			return fmt.Sprintf("%q is taken", name)
		}
		seen[name] = true
	}
	return ""
}

// eachPoint calls f with every point of a request, in order.
func eachPoint(md pmetric.Metrics, f func(resource pcommon.Map, scope pmetric.ScopeMetrics, metric pmetric.Metric, point pcommon.Map)) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				for _, point := range pointAttributes(metric) {
					f(rm.Resource().Attributes(), sm, metric, point)
				}
			}
		}
	}
}

func pointAttributes(metric pmetric.Metric) []pcommon.Map {
	var all []pcommon.Map
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		for _, point := range metric.Gauge().DataPoints().All() {
			all = append(all, point.Attributes())
		}
	case pmetric.MetricTypeSum:
		for _, point := range metric.Sum().DataPoints().All() {
			all = append(all, point.Attributes())
		}
	case pmetric.MetricTypeHistogram:
		for _, point := range metric.Histogram().DataPoints().All() {
			all = append(all, point.Attributes())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, point := range metric.ExponentialHistogram().DataPoints().All() {
			all = append(all, point.Attributes())
		}
	case pmetric.MetricTypeSummary:
		for _, point := range metric.Summary().DataPoints().All() {
			all = append(all, point.Attributes())
		}
	case pmetric.MetricTypeEmpty:
	}
	return all
}

// withoutLabels is a request without anything that becomes a label: what the processor must not touch.
func withoutLabels(t testing.TB, md pmetric.Metrics) string {
	t.Helper()
	bare := pmetric.NewMetrics()
	md.CopyTo(bare)
	for _, rm := range bare.ResourceMetrics().All() {
		rm.Resource().Attributes().Clear()
		for _, sm := range rm.ScopeMetrics().All() {
			sm.SetSchemaUrl("")
			sm.Scope().SetName("")
			sm.Scope().SetVersion("")
			sm.Scope().Attributes().Clear()
		}
	}
	eachPoint(bare, func(_ pcommon.Map, _ pmetric.ScopeMetrics, _ pmetric.Metric, point pcommon.Map) { point.Clear() })
	body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(bare)
	require.NoError(t, err)
	return string(body)
}
