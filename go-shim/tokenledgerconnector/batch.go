// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// found is a request together with where it was found. The maps belong to the data that is being consumed.
type found struct {
	*events.Request
	record, resource pcommon.Map
}

// batch turns the requests of one incoming batch into points: one per metric, set of attributes and resource.
type batch struct {
	cfg     *Config
	writes  events.CacheWrites
	prices  events.Pricer
	version string

	series map[string]*series
	order  []*series
}

// metricsOf counts requests.
func (b *batch) metricsOf(requests []found) pmetric.Metrics {
	b.series = make(map[string]*series, 1)
	for _, request := range requests {
		b.count(request)
	}
	md := pmetric.NewMetrics()
	for _, s := range b.order {
		rm := md.ResourceMetrics().AppendEmpty()
		s.resource.CopyTo(rm.Resource().Attributes())
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.Scope().SetName(events.ConnectorScope)
		sm.Scope().SetVersion(b.version)
		s.write(sm.Metrics())
	}
	return md
}

// count adds one request to all metrics that it belongs to.
func (b *batch) count(f found) {
	cost := events.CostOf(f.Request, b.prices, b.writes)
	s := b.seriesOf(f.resource)
	plain := b.attributes(f, &cost) // without identity
	full := pcommon.NewMap()
	plain.CopyTo(full)
	f.PutIdentity(b.cfg.Attributes, f.record, f.resource, full)
	c := counter{s, f.Request, full, signature(full)}

	outcome, kind := outcomeOK, ""
	if f.Failed {
		outcome, kind = outcomeError, string(f.Error)
	}
	c.add(metricRequests, outcome, kind, 1)
	c.tokens(&cost)
	c.money(&cost)

	// Identity would make one histogram per session, and what is wrong with data is no matter of persons.
	c = counter{s, f.Request, plain, signature(plain)}
	if f.HasDuration {
		s.observe(pointKey{metricDuration, c.signature, outcome, kind}, plain, f.Request, f.Duration)
	}
	for _, issue := range issues(f, &cost) {
		c.add(metricQuality, issue, "", 1)
	}
}

// counter adds to the points of one request.
type counter struct {
	series     *series
	request    *events.Request
	attributes pcommon.Map
	signature  string
}

// add adds to a point. Nothing is added where there is nothing: a series of zeros tells no one anything, but for
// differences, where it says that both sides agree.
func (c *counter) add(m metricID, first, second string, value int64) {
	if value == 0 && m != metricDifference || value < 0 && !metrics[m].notMonotonic {
		return
	}
	c.series.add(pointKey{m, c.signature, first, second}, c.attributes, c.request, value)
}

// types are the values of `type` for the classes of tokens. Both lifetimes of caches have one: which tokens are which
// is often assumed, how many there are is not.
var types = [engine.TokenClasses]string{
	engine.ClassInput:        "input",
	engine.ClassOutput:       "output",
	engine.ClassCacheRead:    "cache_read",
	engine.ClassCacheWrite5m: "cache_creation",
	engine.ClassCacheWrite1h: "cache_creation",
	engine.ClassReasoning:    "reasoning",
}

func (c *counter) tokens(cost *events.Cost) {
	for class, tokens := range cost.Tokens {
		c.add(metricTokens, types[class], "", int64(tokens))
		if !cost.Priced {
			c.add(metricUnpriced, types[class], "", int64(tokens))
		}
	}
}

func (c *counter) money(cost *events.Cost) {
	reported := c.request.ReportedPico
	if c.request.HasReported {
		c.add(metricReported, "", "", reported)
	}
	if !cost.Priced {
		return
	}
	for class, pico := range cost.TokensPico {
		c.add(metricCost, types[class], "", pico)
	}
	c.add(metricCost, typeWebSearch, "", cost.WebSearchesPico)
	c.add(metricSavings, "", "", cost.SavingsPico)
	if c.request.HasReported {
		c.add(metricDifference, "", "", reported-cost.TotalPico)
	}
}

// issues says what a request's data lacks.
func issues(f found, cost *events.Cost) []string {
	var issues []string
	if !f.Failed && !f.HasTokens {
		issues = append(issues, issueMissingTokens)
	}
	if !f.Failed && f.ReportsCost() && !f.HasReported {
		issues = append(issues, issueMissingCost)
	}
	if cost.Reason == events.ReasonUnknownModel && f.TotalTokens() > 0 {
		issues = append(issues, issueUnknownModel)
	}
	if !f.HasUser(f.record, f.resource) {
		issues = append(issues, issueUnattributedUser)
	}
	if f.Inconsistent {
		issues = append(issues, issueInconsistentTokens)
	}
	return issues
}

// attributes are those that every point of a request has.
func (b *batch) attributes(f found, cost *events.Cost) pcommon.Map {
	attributes := pcommon.NewMap()
	attributes.PutStr(attributeAgent, string(f.Agent))
	model := f.Model
	if model == "" {
		model = modelUnknown
	}
	attributes.PutStr(attributeModel, model)
	provider := f.Provider
	if cost.Provider != "" {
		provider = cost.Provider
	}
	if provider != "" {
		attributes.PutStr(attributeProvider, provider)
	}
	return attributes
}

// seriesOf are the points of a resource, as far as its attributes are kept: resources that become equal are one.
func (b *batch) seriesOf(resource pcommon.Map) *series {
	var keys []string
	for key := range resource.All() {
		if keeps(b.cfg.ResourceAttributes, key) && !events.HoldsContent(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys) // the order in which a client writes them makes no difference
	kept := pcommon.NewMap()
	for _, key := range keys {
		events.CopyPlain(key, resource, kept)
	}
	name := signature(kept)
	s := b.series[name]
	if s == nil {
		s = &series{resource: kept, points: make(map[pointKey]*point)}
		b.series[name] = s
		b.order = append(b.order, s)
	}
	return s
}

// keeps tells whether one of the names is that of an attribute, or one with a `*` at its end begins it.
func keeps(names []string, key string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		prefix, isPrefix := strings.CutSuffix(name, "*")
		return name == key || isPrefix && strings.HasPrefix(key, prefix)
	})
}

// signature is the same for equal attributes that were put in the same order, and differs between others.
func signature(attributes pcommon.Map) string {
	var text []byte
	for key, value := range attributes.All() {
		text = appendText(text, key)
		text = append(text, byte(value.Type()))
		switch value.Type() {
		case pcommon.ValueTypeStr:
			text = appendText(text, value.Str())
		case pcommon.ValueTypeInt:
			text = binary.AppendVarint(text, value.Int())
		case pcommon.ValueTypeDouble:
			text = binary.LittleEndian.AppendUint64(text, math.Float64bits(value.Double()))
		default:
			text = appendText(text, value.AsString())
		}
	}
	return string(text)
}

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}
