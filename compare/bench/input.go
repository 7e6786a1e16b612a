package main

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Streams are numbered. Four of them, one for each token type, are a session; 25 sessions are a user.
const (
	streamsPerSession = 4
	streamsPerUser    = 100
)

var tokenTypes = [streamsPerSession]string{"input", "output", "cacheRead", "cacheCreation"}

// metricName is the name of the only metric.
const metricName = "claude_code.token.usage"

// Of its ten attributes, these are kept and dropped where points are trimmed.
var (
	keptAttributes    = []any{"user.email", "model", "type"}
	droppedAttributes = []string{"user.id", "session.id", "organization.id", "user.account_uuid", "user.account_id", "terminal.type", "query_source"}
)

// increment is the value of every point.
const increment = 12

// place is where a point of a request belongs: its stream and the end of its window.
type place struct {
	stream int
	end    time.Time
}

// mill makes requests as Claude Code sends them: ten attributes on a point, five on the resource. Each goes through
// the wire format once, so the processors see what a receiver hands over: fresh objects, every string its own.
type mill struct {
	shape       shape
	md          pmetric.Metrics
	marshaler   pmetric.ProtoMarshaler
	unmarshaler pmetric.ProtoUnmarshaler
}

func newMill(shape shape, batch int) *mill {
	m := &mill{shape: shape, md: pmetric.NewMetrics()}
	rm := m.md.ResourceMetrics().AppendEmpty()
	for _, attribute := range [][2]string{
		{"host.arch", "amd64"}, {"os.type", "linux"}, {"os.version", "6.8.0-45-generic"},
		{"service.name", "claude-code"}, {"service.version", "2.1.197"},
	} {
		rm.Resource().Attributes().PutStr(attribute[0], attribute[1])
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("com.anthropic.claude_code")
	sm.Scope().SetVersion("2.1.197")
	metric := sm.Metrics().AppendEmpty()
	metric.SetName(metricName)
	metric.SetUnit("tokens")
	m.shape.fill(metric, batch)
	return m
}

// request makes one request with a point at each of the places.
func (m *mill) request(places []place) (pmetric.Metrics, error) {
	points := m.shape.points(metricOf(m.md))
	for i, place := range places {
		putAttributes(points[i].Attributes(), place.stream)
	}
	m.shape.rewind(m.md, places)
	wire, err := m.marshaler.MarshalMetrics(m.md)
	if err != nil {
		return pmetric.Metrics{}, err
	}
	return m.unmarshaler.UnmarshalMetrics(wire)
}

func putAttributes(attributes pcommon.Map, stream int) {
	session, user := stream/streamsPerSession, stream/streamsPerUser
	attributes.PutStr("user.id", fmt.Sprintf("d141adbf367fd75585f159a2753f8c9421e77fa427968025b4050c42%08x", user))
	attributes.PutStr("session.id", fmt.Sprintf("888cb579-08db-4809-851c-%012d", session))
	attributes.PutStr("organization.id", "d3814445-1111-4222-8333-123456789012")
	attributes.PutStr("user.email", fmt.Sprintf("someone.%d@example.invalid", user))
	attributes.PutStr("user.account_uuid", fmt.Sprintf("a39ebdff-1111-4222-8333-%012d", user))
	attributes.PutStr("user.account_id", fmt.Sprintf("user_01ABCDEFGHJKLMNP%08d", user))
	attributes.PutStr("terminal.type", "xterm-256color")
	attributes.PutStr("model", "claude-sonnet-4-5-20250929")
	attributes.PutStr("query_source", "main")
	attributes.PutStr("type", tokenTypes[stream%streamsPerSession])
}

// trimmedStreams is how many streams a request has after trimming: one for each user and type of its points.
func trimmedStreams(places []place) int {
	distinct := map[[2]int]bool{}
	for _, p := range places {
		distinct[[2]int{p.stream / streamsPerUser, p.stream % streamsPerSession}] = true
	}
	return len(distinct)
}

func metricOf(md pmetric.Metrics) pmetric.Metric {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
}
