package seeds

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// Traffic is what clients send to a stack: real captures of two client versions, all signals, with times that are now. The
// recorded sessions made no commit and no pull request, and nobody sat in front of them: so that every panel has something
// to show, each session's last request is followed by one with those metrics.
func Traffic(tb testing.TB, root, label string) capture.Capture {
	tb.Helper()
	old := capture.Load(tb, root, "2.1.197", capture.JSON).Renamed(label)
	recent := capture.Load(tb, root, "2.1.329", capture.Protobuf).Renamed(label)
	out := capture.Capture{Name: label}
	for _, c := range []capture.Capture{old, recent} {
		requests := append(c.Requests, rareEvents(tb, c)...)
		out.Requests = append(out.Requests, toNow(tb, requests)...)
		out.Sessions = append(out.Sessions, c.Sessions...)
	}
	return out
}

// toNow moves the metrics in time so that the last of them is now.
func toNow(tb testing.TB, requests []capture.Request) []capture.Request {
	tb.Helper()
	var latest time.Time
	for _, request := range requests {
		if request.Signal == capture.Metrics {
			if at := capture.Time(tb, request); at.After(latest) {
				latest = at
			}
		}
	}
	by := time.Since(latest)
	var out []capture.Request
	for _, request := range requests {
		if request.Signal == capture.Metrics {
			request = capture.Shift(tb, request, by)
		}
		out = append(out, request)
	}
	return out
}

// rareEvents makes a request for each session with what the recorded ones did not do.
func rareEvents(tb testing.TB, c capture.Capture) []capture.Request {
	tb.Helper()
	last := map[string]pmetric.Metrics{}
	for _, request := range c.InOrderOfTime(tb) {
		decoded, err := request.MetricsRequest()
		require.NoError(tb, err)
		capture.EachPoint(decoded.Metrics(), func(_ pmetric.Metric, p pmetric.NumberDataPoint) {
			session, _ := p.Attributes().Get("session.id")
			last[session.AsString()] = decoded.Metrics()
		})
	}
	var out []capture.Request
	for _, session := range c.Sessions {
		require.Contains(tb, last, session.ID)
		request, err := capture.FromMetrics(further(last[session.ID]), c.Requests[0].Encoding)
		require.NoError(tb, err)
		out = append(out, request)
	}
	return out
}

// further is what the session sends in the second after its last request.
func further(last pmetric.Metrics) pmetric.Metrics {
	out := pmetric.NewMetrics()
	resource := out.ResourceMetrics().AppendEmpty()
	last.ResourceMetrics().At(0).Resource().CopyTo(resource.Resource())
	scope := resource.ScopeMetrics().AppendEmpty()
	like := last.ResourceMetrics().At(0).ScopeMetrics().At(0)
	like.Scope().CopyTo(scope.Scope())
	point := like.Metrics().At(0).Sum().DataPoints().At(0)
	for _, rare := range []struct {
		metric Metric
		unit   string
		value  float64
		labels map[string]string
	}{
		{Commits, "", 2, nil},
		{PullRequests, "", 1, nil},
		{ActiveTime, "s", 12.5, map[string]string{"type": "user"}},
		{Decisions, "", 1, map[string]string{
			"decision": "reject", "source": "user_reject", "tool_name": "Edit", "language": "Go",
		}},
	} {
		m := scope.Metrics().AppendEmpty()
		m.SetName(rare.metric.Name)
		m.SetUnit(rare.unit)
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		p := sum.DataPoints().AppendEmpty()
		p.SetStartTimestamp(point.Timestamp())
		p.SetTimestamp(pcommon.NewTimestampFromTime(point.Timestamp().AsTime().Add(time.Second)))
		p.SetDoubleValue(rare.value)
		for _, name := range []string{"user.id", "session.id", "terminal.type", "team.id", "department"} {
			if value, found := point.Attributes().Get(name); found {
				value.CopyTo(p.Attributes().PutEmpty(name))
			}
		}
		for name, value := range rare.labels {
			p.Attributes().PutStr(name, value)
		}
	}
	return out
}
