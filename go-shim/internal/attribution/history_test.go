// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// teamAt is the team that a point of a user gets that is about a time.
func teamAt(a *Attributor, email string, when time.Time) string {
	md := one(tokens, nil, raw{"user.email": email})
	firstPoint(md).SetTimestamp(pcommon.NewTimestampFromTime(when))
	a.Metrics(md)
	team, _ := firstPoint(md).Attributes().Get("team")
	return team.Str()
}

// Scenario: users change teams, come, go and come back, as do patterns and columns; a client sends a point of former
// times again after each change.
// Guarantee: it gets what it got then, so that D3 recognises it; points of later times get what is said now.
func TestChangesCountFromThenOn(t *testing.T) {
	files := []string{
		"email,team\nann@x.example,one\ngone@x.example,one\n*@c.example,c1\n",
		"email,team\nann@x.example,two\ngone@x.example,one\n*@c.example,c2\n",
		"email,team\nann@x.example,two\nnew@x.example,three\n*.example,all\n",
		"email,team,cost_center\nann@x.example,three,CC\nnew@x.example,,CC\ngone@x.example,back,\n",
		"email,squad\nann@x.example,s\n",
		"email,team\nann@x.example,one\n*@c.example,c1\n",
	}
	emails := []string{"ann@x.example", "gone@x.example", "new@x.example", "a@c.example", "b@d.example", "nobody@else"}
	a := New(Settings{Key: DefaultKey, Unmatched: "unattributed"})
	got := map[string]string{} // by user and time, when it was sent first
	for version, content := range files {
		now := begin.Add(time.Duration(version) * time.Hour)
		a.now = func() time.Time { return now }
		require.NoError(t, a.Load("users.csv", []byte(content)))
		fresh := newAttributor(t, Settings{Key: DefaultKey, Unmatched: "unattributed"}, content)
		for _, email := range emails {
			for _, at := range []time.Time{now, now.Add(30 * time.Minute)} {
				team := teamAt(a, email, at)
				assert.Equal(t, teamAt(fresh, email, at), team, "file %d says of %s", version, email)
				got[fmt.Sprint(email, at)] = team
			}
			for former := range version {
				at := begin.Add(time.Duration(former)*time.Hour + 30*time.Minute)
				assert.Equal(t, got[fmt.Sprint(email, at)], teamAt(a, email, at), "%s at the time of file %d, after file %d", email, former, version)
			}
		}
	}
	assert.Equal(t, "one", teamAt(a, "ann@x.example", begin.Add(-time.Hour)), "before the first file: what it said")
}

// Scenario: a cumulative stream goes on over a change, also one whose start is unknown; a gauge is measured before and
// after.
// Guarantee: all points of a stream get the same, so that it stays one member (T3); the gauge gets what is said at its
// time.
func TestCumulativeStreamsStay(t *testing.T) {
	a := newAttributor(t, usual(), "email,team\nann@x.example,one\n")
	a.now = func() time.Time { return begin.Add(time.Hour) }
	require.NoError(t, a.Load("users.csv", []byte("email,team\nann@x.example,two\n")))
	team := func(build func(pmetric.Metric) pcommon.Map) string {
		md := pmetric.NewMetrics()
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		attributes := build(m)
		attributes.PutStr("user.email", "ann@x.example")
		a.Metrics(md)
		value, _ := attributes.Get("team")
		return value.Str()
	}
	late := pcommon.NewTimestampFromTime(begin.Add(2 * time.Hour))
	for start, want := range map[pcommon.Timestamp]string{
		0:                                   "one",
		pcommon.NewTimestampFromTime(begin): "one",
		late - 1:                            "two",
	} {
		assert.Equal(t, want, team(func(m pmetric.Metric) pcommon.Map {
			sum := m.SetEmptySum()
			sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			dp := sum.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(start)
			dp.SetTimestamp(late)
			return dp.Attributes()
		}), "start %d", start)
	}
	for at, want := range map[pcommon.Timestamp]string{0: "two", pcommon.NewTimestampFromTime(begin): "one", late: "two"} {
		assert.Equal(t, want, team(func(m pmetric.Metric) pcommon.Map {
			dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
			dp.SetTimestamp(at)
			return dp.Attributes()
		}), "time %d", at)
	}
}

// Scenario: a file changes thousands of times, each time with other users, teams and columns.
// Guarantee: what is remembered is bounded: by number for each key, by time for keys that have gone, and the columns by
// number.
func TestHistoryIsBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	a := New(usual())
	now := begin
	a.now = func() time.Time { return now }
	for round := range 400 {
		now = now.Add(6 * time.Hour)
		var content strings.Builder
		fmt.Fprintf(&content, "email,team,column%d\nann@x.example,t%d,x\n", round, round)
		for range 5 {
			fmt.Fprintf(&content, "u%d@x.example,t%d,x\n", random.IntN(1_000_000_000), random.IntN(3))
		}
		require.NoError(t, a.Load("users.csv", []byte(content.String())))
		table := a.current.Load().table
		require.LessOrEqual(t, len(table.exact), 1+5*(30*4+2))
		require.LessOrEqual(t, len(a.slots.names), maxSlots)
		depth := 0
		for e := table.find("ann@x.example").previous; e != nil; e = e.previous {
			depth++
		}
		require.LessOrEqual(t, depth, maxHistory)
	}
	for range 2 { // those of the last round leave with the first
		now = now.Add(31 * 24 * time.Hour)
		require.NoError(t, a.Load("users.csv", []byte("email,team\nann@x.example,one\n")))
	}
	assert.Equal(t, 1, len(a.current.Load().table.exact), "whoever has gone is forgotten")
}
