// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor/internal/metadata"
)

// Scenario: any request, with any of the settings.
// Guarantee: no panic; the request is what it was but for labels; the exporter can show every point; and unless the
// resource's attributes are written over those of points, nothing that a point says is lost.
func FuzzProcess(f *testing.F) {
	for flags, md := range hostileRequests() {
		body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		require.NoError(f, err)
		f.Add(byte(flags), body)
	}
	f.Fuzz(func(t *testing.T, flags byte, body []byte) {
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
		if err != nil {
			t.Skip("no metrics")
		}
		checkProcess(t, fuzzedConfig(flags), md)
	})
}

// fuzzedConfig turns each setting on by one bit.
func fuzzedConfig(flags byte) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.ResourceAttributes = flags&1 != 0
	cfg.ExcludeServiceAttributes = flags&2 != 0
	cfg.WithoutScopeInfo = flags&4 != 0
	if flags&8 != 0 {
		cfg.TranslationStrategy = noTranslation
	}
	if flags&16 != 0 {
		cfg.ConstLabels = map[string]string{"source": "const", "a.b": "const", "job": "const", "le": "const", "otel_scope_name": "const"}
	}
	return cfg
}

// checkProcess sends a request through a processor and looks at every point.
func checkProcess(t *testing.T, cfg *Config, md pmetric.Metrics) {
	t.Helper()
	p, err := newProcessor(processortest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	before := withoutLabels(t, md)
	var said [][]string
	eachPoint(md, func(_ pcommon.Map, _ pmetric.ScopeMetrics, _ pmetric.Metric, point pcommon.Map) {
		said = append(said, texts(point))
	})
	out, err := p.process(context.Background(), md)
	require.NoError(t, err)
	require.Equal(t, before, withoutLabels(t, out))

	number := 0
	eachPoint(out, func(resource pcommon.Map, scope pmetric.ScopeMetrics, metric pmetric.Metric, point pcommon.Map) {
		labels, err := shown(resource, scope, point, cfg)
		require.NoError(t, err)
		require.Empty(t, fit(labels, metric.Type()), "%q", labels)
		if !cfg.ResourceAttributes {
			for _, text := range said[number] {
				require.Contains(t, joined(labels), text)
			}
		}
		for name := range cfg.ConstLabels {
			require.True(t, has(labels, cfg, name) || name == "le" && metric.Type() >= pmetric.MetricTypeHistogram, "%s: %q", name, labels)
		}
		number++
	})
	for _, rm := range out.ResourceMetrics().All() { // for target_info, where the exporter joins equal names itself
		for key, value := range rm.Resource().Attributes().All() {
			name, _ := p.namer.labels.Build(key)
			assert.Empty(t, fit([][2]string{{name, value.AsString()}}, pmetric.MetricTypeGauge), key)
		}
	}
}

// texts are the values of attributes as the exporter writes them, where it can.
func texts(attributes pcommon.Map) []string {
	var all []string
	for _, value := range attributes.All() {
		all = append(all, strings.ToValidUTF8(value.AsString(), replacement))
	}
	return all
}

func joined(labels [][2]string) string {
	var all strings.Builder
	for _, label := range labels {
		all.WriteString(label[1] + "\n")
	}
	return all.String()
}

func has(labels [][2]string, cfg *Config, name string) bool {
	if namer, err := newNamer(cfg.TranslationStrategy); err == nil {
		name, _ = namer.label(name)
	}
	for _, label := range labels {
		if label[0] == name {
			return true
		}
	}
	return false
}

// hostileRequests are requests with whatever is known to collide, one for each setting of the flags.
func hostileRequests() []pmetric.Metrics {
	names := []string{"job", "instance", "exported_job", "exported.job", "session.id", "session_id", "", "_", "___", "__name__",
		"__a__", "le", "quantile", "otel_scope_name", "otel.scope.name", "otel_scope_a", "source", "a.b", "\xff", "a\xfe", "0", "service.name",
		"service.namespace", "service.instance.id", "name", "schema.url", "schema_url"}
	values := []string{"", "1", "claude", "\xff\xfe", "1;2"}
	var all []pmetric.Metrics
	for flags := range 32 {
		random := rand.New(rand.NewPCG(1, uint64(flags)))
		fill := func(attributes pcommon.Map) {
			for range 3 + flags%5 {
				attributes.PutStr(names[random.IntN(len(names))], values[random.IntN(len(values))])
			}
		}
		md := pmetric.NewMetrics()
		rm := md.ResourceMetrics().AppendEmpty()
		fill(rm.Resource().Attributes())
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName(values[flags%len(values)])
		fill(sm.Scope().Attributes())
		for range 2 {
			fill(sm.Metrics().AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().Attributes())
			fill(sm.Metrics().AppendEmpty().SetEmptySum().DataPoints().AppendEmpty().Attributes())
			fill(sm.Metrics().AppendEmpty().SetEmptyHistogram().DataPoints().AppendEmpty().Attributes())
			fill(sm.Metrics().AppendEmpty().SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes())
			fill(sm.Metrics().AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().Attributes())
		}
		all = append(all, md)
	}
	return all
}
