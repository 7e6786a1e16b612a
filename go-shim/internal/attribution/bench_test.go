// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const manyUsers = 100_000

func manyUsersCSV() string {
	var out strings.Builder
	out.WriteString("email,team,cost_center,manager,budget_usd\n")
	for i := range manyUsers {
		fmt.Fprintf(&out, "user%d@example.com,team %d,CC-%d,manager%d@example.com,200\n", i, i%500, i%50, i%2000)
	}
	return out.String()
}

func manyUsersYAML() string {
	var out strings.Builder
	out.WriteString("users:\n")
	for i := range manyUsers {
		fmt.Fprintf(&out, "  user%d@example.com: {team: team %d, cost_center: CC-%d, budget_usd: 200}\n", i, i%500, i%50)
	}
	return out.String()
}

// BenchmarkLoad reads 100,000 users; the second round of an attributor also compares with what it said before.
func BenchmarkLoad(b *testing.B) {
	for name, content := range map[string]string{"users.csv": manyUsersCSV(), "users.yaml": manyUsersYAML()} {
		b.Run(name, func(b *testing.B) {
			a := New(usual())
			for b.Loop() {
				if err := a.Load(name, []byte(content)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFind asks for one of 100,000 users.
func BenchmarkFind(b *testing.B) {
	a := newAttributor(b, usual(), manyUsersCSV()+"*@contractor.example,x,y,z,\n")
	table := a.current.Load().table
	keys := make([]string, 4096)
	for name, format := range map[string]string{
		"known": "user%d@example.com", "in capitals": "User%d@Example.com", "by pattern": "user%d@contractor.example", "unknown": "user%d@nowhere.example",
	} {
		for i := range keys {
			keys[i] = fmt.Sprintf(format, i*24)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				table.find(keys[i%len(keys)])
				i++
			}
		})
	}
}

// request returns a request of 1000 points with 11 attributes each, as Claude Code sends them.
func request(metric string, users int) pmetric.Metrics {
	md := one(metric, raw{"service.name": "claude-code", "service.version": "2.1.300", "os.type": "linux", "os.version": "6", "host.arch": "arm64"}, nil)
	points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
	points.RemoveIf(func(pmetric.NumberDataPoint) bool { return true })
	for i := range 1000 {
		attributes := points.AppendEmpty().Attributes()
		for _, name := range []string{"user.id", "session.id", "organization.id", "user.account_uuid", "user.account_id", "terminal.type", "type", "model", "query_source", "effort"} {
			attributes.PutStr(name, "a value of some length")
		}
		if users > 0 {
			attributes.PutStr("user.email", fmt.Sprintf("user%d@example.com", i%users))
		}
	}
	return md
}

// BenchmarkMetrics completes requests of 1000 points; the figure of interest is ns/point.
func BenchmarkMetrics(b *testing.B) {
	for _, test := range []struct {
		name, metric string
		users        int
		settings     func(*Settings)
	}{
		{"nothing to add", "system.cpu.time", 0, nil},
		{"known already", "claude_code.token.usage", 1000, func(s *Settings) { s.Agent, s.Unmatched = false, "" }},
		{"one user", "claude_code.token.usage", 1, nil},
		{"1000 users", "claude_code.token.usage", 1000, nil},
	} {
		b.Run(test.name, func(b *testing.B) {
			settings := usual()
			content := manyUsersCSV()
			if test.settings != nil {
				test.settings(&settings)
				content = "" // aliases only, and the points have none
			}
			a := newAttributor(b, settings, content)
			md := request(test.metric, test.users)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				copied := pmetric.NewMetrics()
				md.CopyTo(copied)
				b.StartTimer()
				a.Metrics(copied)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/point")
		})
	}
}

// Scenario: requests to which nothing is added: of other applications, and of agents that say everything themselves.
// Guarantee: no memory is allocated.
func TestNothingAddedCostsNoAllocation(t *testing.T) {
	a := newAttributor(t, usual(), people)
	others := request("system.cpu.time", 0)
	ours := request(tokens, 1)
	a.Metrics(ours)
	silent := newAttributor(t, Settings{Key: DefaultKey, Aliases: map[string][]string{"a": {"x"}, "b": {"y"}, "c": {"z"}}}, "")
	for name, test := range map[string]struct {
		a  *Attributor
		md pmetric.Metrics
	}{"others": {a, others}, "complete": {a, ours}, "nothing known": {silent, request(tokens, 1)}} {
		a, md := test.a, test.md
		a.Metrics(md)
		allocations := testing.AllocsPerRun(100, func() { a.Metrics(md) })
		assert.LessOrEqual(t, allocations, 1.0, "%s: for 1000 points; a garbage collection may empty the pool", name)
	}
}
