package capture

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// WithRequests returns the capture with other requests and the same truth.
func (c Capture) WithRequests(requests []Request) Capture {
	return Capture{Name: c.Name, Sessions: c.Sessions, Requests: requests}
}

// Twice sends every request and at once the same request again, as a client does whose acknowledgement got lost.
func (c Capture) Twice() Capture {
	var out []Request
	for _, request := range c.Requests {
		out = append(out, request, request)
	}
	return c.WithRequests(out)
}

// Repeated sends the whole sequence and then the whole sequence again, as a proxy does that flushes its store twice.
func (c Capture) Repeated() Capture {
	return c.WithRequests(slices.Concat(c.Requests, c.Requests))
}

// Swapped exchanges the second metrics request of each session with its last one: windows arrive late.
func (c Capture) Swapped(tb testing.TB) Capture {
	out := slices.Clone(c.Requests)
	for _, places := range placesBySession(tb, out) {
		require.GreaterOrEqual(tb, len(places), 3, "a session needs three requests to have two swapped")
		second, last := places[1], places[len(places)-1]
		out[second], out[last] = out[last], out[second]
	}
	return c.WithRequests(out)
}

// Merged puts all metrics of the capture into one request, as a batching proxy does. Resources stay apart.
func (c Capture) Merged(tb testing.TB) Capture {
	all := pmetric.NewMetrics()
	for _, md := range c.decoded(tb) {
		md.ResourceMetrics().MoveAndAppendTo(all.ResourceMetrics())
	}
	return c.WithRequests([]Request{c.encoded(tb, all)})
}

// NewestFirst puts all metrics into one request with one metric per name, whose points run from newest to oldest.
func (c Capture) NewestFirst(tb testing.TB) Capture {
	all := pmetric.NewMetrics()
	byName := map[string]pmetric.Metric{}
	for _, md := range c.decoded(tb) {
		eachMetric(md, func(rm pmetric.ResourceMetrics, sm pmetric.ScopeMetrics, m pmetric.Metric) {
			target, known := byName[m.Name()]
			if !known {
				target = appendLike(all, rm, sm, m)
				byName[m.Name()] = target
			}
			m.Sum().DataPoints().MoveAndAppendTo(target.Sum().DataPoints())
		})
	}
	for _, m := range byName {
		m.Sum().DataPoints().Sort(func(a, b pmetric.NumberDataPoint) bool { return a.Timestamp() > b.Timestamp() })
	}
	return c.WithRequests([]Request{c.encoded(tb, all)})
}

// RetriedInOneBatch sends all requests and then, as one request, the last two of each session again: a retry that
// a batching proxy put together differently. Rule D3b remembers the last four windows of a stream.
func (c Capture) RetriedInOneBatch(tb testing.TB) Capture {
	again := pmetric.NewMetrics()
	metrics := c.Of(Metrics)
	for _, places := range placesBySession(tb, metrics) {
		for _, place := range places[len(places)-2:] {
			decoded, err := metrics[place].MetricsRequest()
			require.NoError(tb, err)
			decoded.Metrics().ResourceMetrics().MoveAndAppendTo(again.ResourceMetrics())
		}
	}
	return c.WithRequests(append(slices.Clone(c.Requests), c.encoded(tb, again)))
}

// EventsRebatched sends the logs in one request, as a batching proxy does, then each record in a request of its own, as
// another one does, and then as they were: each record three times, never twice in the same company.
func (c Capture) EventsRebatched(tb testing.TB) Capture {
	all := plog.NewLogs()
	var single []Request
	for _, request := range c.Of(Logs) {
		decoded, err := request.LogsRequest()
		require.NoError(tb, err)
		for _, rl := range decoded.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					single = append(single, c.alone(tb, rl, sl, record))
				}
			}
		}
		decoded.Logs().ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
	}
	merged, err := FromLogs(all, c.Requests[0].Encoding)
	require.NoError(tb, err)
	return c.WithRequests(slices.Concat([]Request{merged}, single, c.Requests))
}

// alone is a request with one record.
func (c Capture) alone(tb testing.TB, rl plog.ResourceLogs, sl plog.ScopeLogs, record plog.LogRecord) Request {
	tb.Helper()
	ld := plog.NewLogs()
	resource := ld.ResourceLogs().AppendEmpty()
	rl.Resource().CopyTo(resource.Resource())
	scope := resource.ScopeLogs().AppendEmpty()
	sl.Scope().CopyTo(scope.Scope())
	record.CopyTo(scope.LogRecords().AppendEmpty())
	request, err := FromLogs(ld, c.Requests[0].Encoding)
	require.NoError(tb, err)
	return request
}

// Shift moves all times of a metrics request by the same amount.
func Shift(tb testing.TB, request Request, by time.Duration) Request {
	tb.Helper()
	decoded, err := request.MetricsRequest()
	require.NoError(tb, err)
	EachPoint(decoded.Metrics(), func(_ pmetric.Metric, p pmetric.NumberDataPoint) {
		p.SetTimestamp(shifted(p.Timestamp(), by))
		p.SetStartTimestamp(shifted(p.StartTimestamp(), by))
	})
	out, err := FromMetrics(decoded.Metrics(), request.Encoding)
	require.NoError(tb, err)
	return out
}

// Time is the latest time of a point in a metrics request: about when the client sent it.
func Time(tb testing.TB, request Request) time.Time {
	tb.Helper()
	decoded, err := request.MetricsRequest()
	require.NoError(tb, err)
	var latest pcommon.Timestamp
	EachPoint(decoded.Metrics(), func(_ pmetric.Metric, p pmetric.NumberDataPoint) {
		latest = max(latest, p.Timestamp())
	})
	return latest.AsTime()
}

// InOrderOfTime returns the metrics requests sorted by their Time.
func (c Capture) InOrderOfTime(tb testing.TB) []Request {
	out := c.Of(Metrics)
	slices.SortStableFunc(out, func(a, b Request) int {
		return cmp.Compare(Time(tb, a).UnixNano(), Time(tb, b).UnixNano())
	})
	return out
}

// EachPoint visits the points of all sums.
func EachPoint(md pmetric.Metrics, visit func(pmetric.Metric, pmetric.NumberDataPoint)) {
	eachMetric(md, func(_ pmetric.ResourceMetrics, _ pmetric.ScopeMetrics, m pmetric.Metric) {
		for _, point := range m.Sum().DataPoints().All() {
			visit(m, point)
		}
	})
}

// eachMetric visits all metrics; anything but a sum would be news about the client and is not expected in captures.
func eachMetric(md pmetric.Metrics, visit func(pmetric.ResourceMetrics, pmetric.ScopeMetrics, pmetric.Metric)) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Type() == pmetric.MetricTypeSum {
					visit(rm, sm, m)
				}
			}
		}
	}
}

// placesBySession lists for each session the places of its metrics requests.
func placesBySession(tb testing.TB, requests []Request) map[string][]int {
	tb.Helper()
	out := map[string][]int{}
	for i, request := range requests {
		if request.Signal != Metrics {
			continue
		}
		session := sessionOf(tb, request)
		out[session] = append(out[session], i)
	}
	return out
}

// sessionOf is the session id of a metrics request; a client sends one session per request.
func sessionOf(tb testing.TB, request Request) string {
	tb.Helper()
	decoded, err := request.MetricsRequest()
	require.NoError(tb, err)
	ids := map[string]bool{}
	EachPoint(decoded.Metrics(), func(_ pmetric.Metric, p pmetric.NumberDataPoint) {
		id, _ := p.Attributes().Get("session.id")
		ids[id.AsString()] = true
	})
	require.Len(tb, ids, 1, "a captured request carries one session")
	for id := range ids {
		return id
	}
	return ""
}

// decoded returns the metrics of a capture, request by request.
func (c Capture) decoded(tb testing.TB) []pmetric.Metrics {
	tb.Helper()
	var out []pmetric.Metrics
	for _, request := range c.Of(Metrics) {
		decoded, err := request.MetricsRequest()
		require.NoError(tb, err)
		out = append(out, decoded.Metrics())
	}
	return out
}

// encoded writes metrics in the encoding of the capture.
func (c Capture) encoded(tb testing.TB, md pmetric.Metrics) Request {
	tb.Helper()
	request, err := FromMetrics(md, c.Requests[0].Encoding)
	require.NoError(tb, err)
	return request
}

// appendLike adds an empty sum with the resource, scope and description of an existing one.
func appendLike(md pmetric.Metrics, rm pmetric.ResourceMetrics, sm pmetric.ScopeMetrics, m pmetric.Metric) pmetric.Metric {
	if md.ResourceMetrics().Len() == 0 {
		resource := md.ResourceMetrics().AppendEmpty()
		rm.Resource().CopyTo(resource.Resource())
		sm.Scope().CopyTo(resource.ScopeMetrics().AppendEmpty().Scope())
	}
	out := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	out.SetName(m.Name())
	out.SetDescription(m.Description())
	out.SetUnit(m.Unit())
	sum := out.SetEmptySum()
	sum.SetIsMonotonic(m.Sum().IsMonotonic())
	sum.SetAggregationTemporality(m.Sum().AggregationTemporality())
	return out
}

func shifted(t pcommon.Timestamp, by time.Duration) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(t.AsTime().Add(by))
}
