package labels

import (
	"context"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/prometheusremotewrite"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"
)

// Scenario: random attributes that become one label, some of them empty or equal, some with the name of a const label.
// Guarantee: what remote write makes of them (with the const labels as external labels): the same labels. So a stack may
// change from one way to the other, and queries find the same.
func TestJoinsAsRemoteWriteDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 9))
	names := []string{"a.b", "a_b", "a-b", "a b", "c", "c.d", "c_d", "team", "team.", "e"}
	external := map[string]string{"team_": "core", "c_d": "const", "z": "1"}
	s := with(noScope, func(s *settings) { s.constLabels = external })
	for range 300 {
		r := newRequest()
		for _, i := range random.Perm(len(names))[:random.IntN(len(names)+1)] {
			r.point.PutStr(names[i], []string{"", "x", "y", "x;y"}[random.IntN(4)])
		}
		written, err := prometheusremotewrite.FromMetrics(r.md, prometheusremotewrite.Settings{ExternalLabels: external, DisableScopeInfo: true, DisableTargetInfo: true})
		require.NoError(t, err)
		require.Len(t, written, 1)
		want := map[string]string{}
		for _, series := range written {
			for _, label := range series.Labels {
				if label.Name != "__name__" {
					want[label.Name] = label.Value
				}
			}
		}
		require.Equal(t, want, labelsOf(t, s, r), "%v", r.point.AsRaw())
	}
}

// labelsOf are the labels of the only point of a request on the page behind the processor; empty ones, which to Prometheus
// are none, left out.
func labelsOf(t *testing.T, s settings, r request) map[string]string {
	t.Helper()
	page := ourPage(t, s)
	page.take(t, r.md)
	lines := page.series(t)
	require.Len(t, lines, 1)
	require.Empty(t, page.lost())
	labels := map[string]string{}
	for _, label := range labelPattern.FindAllStringSubmatch(lines[0], -1) {
		if label[2] != "" {
			labels[label[1]] = label[2]
		}
	}
	return labels
}

// labelPattern finds the labels of a line of the page whose values need no escaping.
var labelPattern = regexp.MustCompile(`(\w+)="([^"]*)"`)

// Scenario: entries of `const_labels` whose names the exporter writes as they are, and escapes in attributes.
// Guarantee: ConstLabelMoves says of exactly those that may move that the page stays what it was in all forms.
func TestConstLabelMoves(t *testing.T) {
	for name, moves := range map[string]bool{
		"source": true, "Team_1": true, "_lead": true, "a__b": true, "deployment.environment": false, "größe": false, "0day": false,
	} {
		assert.Equal(t, moves, prometheuslabelsprocessor.ConstLabelMoves(name, "v", ""), name)
		s := with(noScope, func(s *settings) { s.constLabels = map[string]string{name: "v"} })
		r := newRequest()
		stock, ours := stockPage(t, s), ourPage(t, s)
		stock.take(t, r.md)
		ours.take(t, r.md)
		same := true
		for form := range forms {
			same = same && stock.read(t, form) == ours.read(t, form)
		}
		assert.Equal(t, moves, same, name)
	}
	assert.True(t, prometheuslabelsprocessor.ConstLabelMoves("deployment.environment", "v", "NoTranslation"))
	for _, name := range []string{"", "__a", "___", "a\xff"} {
		assert.False(t, prometheuslabelsprocessor.ConstLabelMoves(name, "v", "NoTranslation"), name)
	}
	assert.False(t, prometheuslabelsprocessor.ConstLabelMoves("a", "\xff", ""))
	assert.False(t, prometheuslabelsprocessor.ConstLabelMoves("a", "v", "no such strategy"))
}

// Scenario: the feature gate that changes what the exporter makes of underscores is on.
// Guarantee: the processor follows: names collide that did not before, and are settled.
func TestFeatureGateOfTheExporter(t *testing.T) {
	const gate = "pkg.translator.prometheus.PermissiveLabelSanitization"
	twins := func() request {
		r := newRequest()
		r.point.PutStr("a__b", "1")
		r.point.PutStr("a_b", "2")
		return r
	}
	before := ourPage(t, noScope)
	before.take(t, twins().md)
	assert.Equal(t, []string{`m{a__b="1",a_b="2"} 1`}, before.series(t))

	require.NoError(t, featuregate.GlobalRegistry().Set(gate, true))
	t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(gate, false)) })
	stock, ours := stockPage(t, noScope), ourPage(t, noScope)
	stock.take(t, twins().md)
	ours.take(t, twins().md)
	assert.Empty(t, stock.series(t))
	assert.Equal(t, []string{`m{a_b="1;2"} 1`}, ours.series(t))
}

// Scenario: resources that differ in nothing but what the rule for `job` changes.
// Guarantee: they stay different series, also where the service's attributes are to be left out.
func TestSeriesStayApart(t *testing.T) {
	for _, exclude := range []bool{false, true} {
		p := ourPage(t, with(allResource, func(s *settings) { s.excludeService = exclude }))
		for i, service := range []string{"claude-code", "claude-code-desktop"} {
			r := newRequest()
			r.resource.PutStr("service.name", service)
			r.resource.PutStr("job", "claude")
			r.metric.Gauge().DataPoints().At(0).SetDoubleValue(float64(1 + i))
			p.take(t, r.md)
		}
		assert.ElementsMatch(t, []string{
			`m{job="claude",service_name="claude-code"} 1`, `m{job="claude",service_name="claude-code-desktop"} 2`,
		}, p.series(t))
	}
}

// Scenario: the processor is created with settings of which the exporter knows nothing.
// Guarantee: it says so.
func TestUnknownStrategy(t *testing.T) {
	factory := prometheuslabelsprocessor.NewFactory()
	_, err := factory.CreateMetrics(context.Background(), processortest.NewNopSettings(factory.Type()),
		&prometheuslabelsprocessor.Config{TranslationStrategy: "Escape"}, consumertest.NewNop())
	require.ErrorContains(t, err, `"Escape"`)
}
