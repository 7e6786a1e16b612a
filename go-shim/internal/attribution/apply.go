// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Metrics completes the points of agents' metrics, and points that have the key, on themselves or on their resource.
func (a *Attributor) Metrics(md pmetric.Metrics) {
	b := a.begin()
	defer a.done(b)
	for _, rm := range md.ResourceMetrics().All() {
		b.enter(rm.Resource())
		for _, sm := range rm.ScopeMetrics().All() {
			scopeAgent := agentOfScope(sm.Scope().Name())
			for _, metric := range sm.Metrics().All() {
				agent := agentOfName(metric.Name())
				if agent == "" {
					agent = scopeAgent
				}
				b.metric(metric, agent)
			}
		}
	}
}

// metric completes the points of one metric.
func (b *batch) metric(metric pmetric.Metric, agent string) {
	switch metric.Type() {
	case pmetric.MetricTypeSum:
		temporality := metric.Sum().AggregationTemporality()
		for _, dp := range metric.Sum().DataPoints().All() {
			b.complete(dp.Attributes(), agent, about(temporality, dp.StartTimestamp(), dp.Timestamp()))
		}
	case pmetric.MetricTypeGauge:
		for _, dp := range metric.Gauge().DataPoints().All() {
			b.complete(dp.Attributes(), agent, dp.Timestamp())
		}
	case pmetric.MetricTypeHistogram:
		temporality := metric.Histogram().AggregationTemporality()
		for _, dp := range metric.Histogram().DataPoints().All() {
			b.complete(dp.Attributes(), agent, about(temporality, dp.StartTimestamp(), dp.Timestamp()))
		}
	case pmetric.MetricTypeExponentialHistogram:
		temporality := metric.ExponentialHistogram().AggregationTemporality()
		for _, dp := range metric.ExponentialHistogram().DataPoints().All() {
			b.complete(dp.Attributes(), agent, about(temporality, dp.StartTimestamp(), dp.Timestamp()))
		}
	case pmetric.MetricTypeSummary:
		for _, dp := range metric.Summary().DataPoints().All() {
			b.complete(dp.Attributes(), agent, max(dp.StartTimestamp(), 1)) // cumulative by definition
		}
	}
}

// about is the time that decides what the file said: of a cumulative stream its start, because all its points have to
// get the same. Where the start is unknown that is what was said first.
func about(temporality pmetric.AggregationTemporality, start, at pcommon.Timestamp) pcommon.Timestamp {
	if temporality == pmetric.AggregationTemporalityDelta {
		return at
	}
	return max(start, 1)
}

// Logs completes the records of agents, and records that have the key, on themselves or on their resource.
func (a *Attributor) Logs(ld plog.Logs) {
	b := a.begin()
	defer a.done(b)
	for _, rl := range ld.ResourceLogs().All() {
		b.enter(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			scopeAgent := agentOfScope(sl.Scope().Name())
			for _, record := range sl.LogRecords().All() {
				agent := scopeAgent
				if agent == "" {
					agent = agentOfRecord(record)
				}
				when := record.Timestamp()
				if when == 0 {
					when = record.ObservedTimestamp()
				}
				b.complete(record.Attributes(), agent, when)
			}
		}
	}
}

// agentOfRecord tells the agent from the name of an event, which stands in one of three places.
func agentOfRecord(record plog.LogRecord) string {
	if agent := agentOfName(record.EventName()); agent != "" {
		return agent
	}
	if name, ok := record.Attributes().Get("event.name"); ok && name.Type() == pcommon.ValueTypeStr {
		if agent := agentOfName(name.Str()); agent != "" {
			return agent
		}
	}
	if body := record.Body(); body.Type() == pcommon.ValueTypeStr && isEventName(body.Str()) {
		return agentOfName(body.Str())
	}
	return ""
}

// isEventName tells a name from a message that happens to begin with one.
func isEventName(text string) bool {
	const longest = 100
	return len(text) <= longest && !strings.ContainsAny(text, " \t\r\n")
}

// Traces completes the spans of agents, and spans that have the key, on themselves or on their resource.
func (a *Attributor) Traces(td ptrace.Traces) {
	b := a.begin()
	defer a.done(b)
	for _, rs := range td.ResourceSpans().All() {
		b.enter(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			scopeAgent := agentOfScope(ss.Scope().Name())
			for _, span := range ss.Spans().All() {
				agent := scopeAgent
				if agent == "" {
					agent = agentOfName(span.Name())
				}
				b.complete(span.Attributes(), agent, span.EndTimestamp())
			}
		}
	}
}
