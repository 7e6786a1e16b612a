package labels

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// collision is a request of which the exporter alone shows less than it got.
type collision struct {
	name     string
	settings settings
	request  func(request)
	// stock is what the exporter alone shows, ours what it shows with the processor before it: all lines but those of
	// target_info, unless info is set.
	stock, ours []string
	info        bool
}

// request is one gauge `m` with one point of value 1, to be changed.
type request struct {
	md       pmetric.Metrics
	resource pcommon.Map
	scope    pcommon.InstrumentationScope
	metric   pmetric.Metric
	point    pcommon.Map
}

func newRequest() request {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	sm := rm.ScopeMetrics().AppendEmpty()
	metric := sm.Metrics().AppendEmpty()
	metric.SetName("m")
	point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
	point.SetDoubleValue(1)
	return request{md: md, resource: rm.Resource().Attributes(), scope: sm.Scope(), metric: metric, point: point.Attributes()}
}

// noScope leaves the labels of the scope out, so that lines are short.
var noScope = settings{withoutScopeInfo: true}

func with(s settings, change func(*settings)) settings {
	change(&s)
	return s
}

var constSource = with(noScope, func(s *settings) { s.constLabels = map[string]string{"source": "otel-collector"} })
var allResource = with(noScope, func(s *settings) { s.resource = true })
var rawNames = with(noScope, func(s *settings) { s.strategy = "NoTranslation" })

var collisions = []collision{
	{
		name: "const label and the point's own", settings: constSource,
		request: func(r request) { r.point.PutStr("source", "config"); r.point.PutStr("language", "Go") },
		ours:    []string{`m{language="Go",source="config"} 1`},
	},
	{
		name: "const label and an empty one of the point", settings: constSource,
		request: func(r request) { r.point.PutStr("source", "") },
		ours:    []string{`m{source="otel-collector"} 1`},
	},
	{
		name:     "const label and the resource's",
		settings: with(constSource, func(s *settings) { s.resource = true }),
		request:  func(r request) { r.resource.PutStr("source", "laptop") },
		ours:     []string{`m{source="laptop"} 1`},
	},
	{
		name: "const label and a name that becomes it", settings: with(noScope, func(s *settings) { s.constLabels = map[string]string{"session_id": "c"} }),
		request: func(r request) { r.point.PutStr("session.id", "1") },
		ours:    []string{`m{session_id="1"} 1`},
	},
	{
		name: "const label and the exporter's", settings: with(noScope, func(s *settings) { s.constLabels = map[string]string{"job": "c", "team": "core"} }),
		request: func(r request) { r.resource.PutStr("service.name", "claude-code") },
		ours:    []string{`m{job="claude-code",team="core"} 1`},
	},
	{
		name: "job of the resource", settings: allResource,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude-code")
			r.resource.PutStr("service.namespace", "ns")
			r.resource.PutStr("job", "claude")
		},
		ours: []string{`m{job="claude",service_name="claude-code",service_namespace="ns"} 1`},
	},
	{
		name: "job of the resource, and on the point as the SDK copies it", settings: allResource,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude-code")
			r.resource.PutStr("job", "claude")
			r.point.PutStr("job", "other")
		},
		ours: []string{`m{job="claude",service_name="claude-code"} 1`},
	},
	{
		name: "job of the resource that says the same", settings: allResource,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude")
			r.resource.PutStr("job", "claude")
		},
		ours: []string{`m{job="claude",service_name="claude"} 1`},
	},
	{
		name: "empty job of the resource", settings: allResource,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude")
			r.resource.PutStr("job", "")
		},
		ours: []string{`m{job="claude",service_name="claude"} 1`},
	},
	{
		name: "job of the resource, service attributes left out", settings: with(allResource, func(s *settings) { s.excludeService = true }),
		request: func(r request) {
			r.resource.PutStr("service.name", "claude-code")
			r.resource.PutStr("service.instance.id", "i")
			r.resource.PutStr("job", "claude")
		},
		ours: []string{`m{instance="i",job="claude",service_name="claude-code"} 1`},
	},
	{
		name: "instance of the resource, and what is said about the target", settings: allResource, info: true,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude-code")
			r.resource.PutStr("service.instance.id", "7")
			r.resource.PutStr("instance", "laptop")
			r.resource.PutStr("os.type", "linux")
		},
		stock: []string{`target_info{instance="7",job="claude-code",os_type="linux"} 1`},
		ours: []string{
			`m{instance="laptop",job="claude-code",os_type="linux",service_instance_id="7",service_name="claude-code"} 1`,
			`target_info{instance="laptop",job="claude-code",os_type="linux"} 1`,
		},
	},
	{
		name: "job of the point", settings: noScope,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude-code")
			r.point.PutStr("job", "nightly")
		},
		ours: []string{`m{exported_job="nightly",job="claude-code"} 1`},
	},
	{
		name: "job of the point that says the same", settings: noScope,
		request: func(r request) {
			r.resource.PutStr("service.namespace", "ns")
			r.resource.PutStr("service.name", "claude-code")
			r.point.PutStr("job", "ns/claude-code")
		},
		ours: []string{`m{job="ns/claude-code"} 1`},
	},
	{
		name: "instance of the point where the other name is taken", settings: noScope,
		request: func(r request) {
			r.resource.PutStr("service.instance.id", "i")
			r.point.PutStr("instance", "a")
			r.point.PutInt("exported.instance", 2)
		},
		ours: []string{`m{exported_exported_instance="a",exported_instance="2",instance="i"} 1`},
	},
	{
		name: "two names that become one", settings: noScope,
		request: func(r request) {
			r.point.PutStr("session_id", "second")
			r.point.PutStr("session.id", "first")
			r.point.PutInt("n", 3)
		},
		ours: []string{`m{n="3",session_id="first;second"} 1`},
	},
	{
		name: "two names that become one and say the same", settings: noScope,
		request: func(r request) { r.point.PutStr("session_id", "1"); r.point.PutInt("session.id", 1) },
		ours:    []string{`m{session_id="1"} 1`},
	},
	{
		name: "names of point and resource that become one", settings: allResource,
		request: func(r request) { r.point.PutStr("session.id", "1"); r.resource.PutStr("session_id", "2") },
		ours:    []string{`m{session_id="1;2"} 1`},
	},
	{
		name: "names that the exporter needs for the scope",
		request: func(r request) {
			r.scope.SetName("s")
			r.scope.SetVersion("1")
			r.point.PutStr("otel.scope.name", "s")
			r.point.PutStr("otel_scope_version", "2")
			r.point.PutStr("otel_scope.version", "3") // and these two with each other
		},
		ours: []string{`m{exported_otel_scope_version="3;2",otel_scope_name="s",otel_scope_schema_url="",otel_scope_version="1"} 1`},
	},
	{
		name: "attributes of the scope",
		request: func(r request) {
			r.scope.Attributes().PutStr("schema.url", "u")
			r.scope.Attributes().PutStr("name", "not shown")
			r.scope.Attributes().PutStr("a.b", "1")
			r.scope.Attributes().PutStr("a_b", "2")
			r.point.PutStr("otel_scope_a_b", "3")
			r.point.PutStr("otel_scope_name", "not shown")
		},
		ours: []string{`m{exported_otel_scope_a_b="3",exported_otel_scope_name="not shown",otel_scope_a_b="1;2",otel_scope_exported_schema_url="u",otel_scope_name="",otel_scope_schema_url="",otel_scope_version=""} 1`},
	},
	{
		name: "names that are no labels", settings: noScope,
		request: func(r request) {
			r.point.PutStr("__name__", "n")
			r.point.PutStr("", "e")
			r.point.PutStr("___", "u")
		},
		ours: []string{`m{exported_="e",exported____="u",exported___name__="n"} 1`},
	},
	{
		name: "names of the resource that are no labels", settings: noScope, info: true,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude-code")
			r.resource.PutStr("service.instance.id", "7")
			r.resource.PutStr("___", "u")
		},
		stock: []string{`m{instance="7",job="claude-code"} 1`},
		ours: []string{
			`m{instance="7",job="claude-code"} 1`,
			`target_info{exported____="u",instance="7",job="claude-code"} 1`,
		},
	},
	{
		name: "values that are no text", settings: noScope,
		request: func(r request) { r.resource.PutStr("service.name", "\xff"); r.point.PutStr("a", "b\xfe\xffc") },
		ours:    []string{"m{a=\"b\uFFFDc\",job=\"\uFFFD\"} 1"},
	},
	{
		name:    "a scope that is no text",
		request: func(r request) { r.scope.SetName("\xff") },
		ours:    []string{"m{otel_scope_name=\"\uFFFD\",otel_scope_schema_url=\"\",otel_scope_version=\"\"} 1"},
	},
	{
		name: "the quantile of a summary", settings: noScope,
		request: func(r request) {
			point := r.metric.SetEmptySummary().DataPoints().AppendEmpty()
			point.SetCount(1)
			point.SetSum(2)
			quantile := point.QuantileValues().AppendEmpty()
			quantile.SetQuantile(0.5)
			quantile.SetValue(2)
			point.Attributes().PutDouble("quantile", 0.9)
		},
		ours: []string{`m{exported_quantile="0.9",quantile="0.5"} 2`, `m_sum{exported_quantile="0.9"} 2`, `m_count{exported_quantile="0.9"} 1`},
	},
	{
		name: "raw names: only equal ones collide", settings: rawNames,
		request: func(r request) {
			r.resource.PutStr("service.name", "claude-code")
			r.point.PutStr("job", "nightly")
			r.point.PutStr("a\xff", "1")
		},
		ours: []string{`m{exported_a_="1",exported_job="nightly",job="claude-code"} 1`},
	},
}

// Scenario: labels collide, in each way that is known.
// Guarantee: the exporter alone loses what collides (if this fails, contrib has repaired it: take the case out and see
// whether the processor is still needed for it); with the processor all is there, with all other labels as they were.
func TestCollisions(t *testing.T) {
	for _, test := range collisions {
		t.Run(test.name, func(t *testing.T) {
			r := newRequest()
			test.request(r)
			stock, ours := stockPage(t, test.settings), ourPage(t, test.settings)
			stock.take(t, r.md)
			ours.take(t, r.md)
			assert.ElementsMatch(t, test.stock, without(stock.series(t), test.info))
			assert.NotEmpty(t, stock.lost())
			assert.ElementsMatch(t, test.ours, without(ours.series(t), test.info))
			assert.Empty(t, ours.lost())
		})
	}
}

// without leaves lines of target_info out unless they are wanted.
func without(lines []string, info bool) []string {
	var rest []string
	for _, line := range lines {
		if info || len(line) < 12 || line[:12] != "target_info{" {
			rest = append(rest, line)
		}
	}
	return rest
}
