// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const people = `email,team,cost_center
ann@example.com,payments,CC-7
bob@example.com,search,
*@contractor.example,contractors,CC-9
*@berlin.contractor.example,berlin,CC-10
*.contractor.example,subcontractors,
`

// Scenario: points of users that the file has, has by a pattern, or has not, spelled in several ways, with the key on
// the point or on the resource.
// Guarantee: the longest match decides; addresses are compared without regard to case and space; whoever the file does
// not have, and what it does not say, is visible as unattributed.
func TestUsers(t *testing.T) {
	a := newAttributor(t, usual(), people)
	for email, want := range map[string]raw{
		"ann@example.com":                   {"team": "payments", "cost_center": "CC-7"},
		" Ann@EXAMPLE.com\t":                {"team": "payments", "cost_center": "CC-7"},
		"bob@example.com":                   {"team": "search", "cost_center": "unattributed"},
		"eve@example.com":                   {"team": "unattributed", "cost_center": "unattributed"},
		"x@contractor.example":              {"team": "contractors", "cost_center": "CC-9"},
		"X@Contractor.Example":              {"team": "contractors", "cost_center": "CC-9"},
		"x@berlin.contractor.example":       {"team": "berlin", "cost_center": "CC-10"},
		"x@mitte.berlin.contractor.example": {"team": "subcontractors", "cost_center": "unattributed"},
		"x@mycontractor.example":            {"team": "unattributed", "cost_center": "unattributed"},
		"contractor.example":                {"team": "unattributed", "cost_center": "unattributed"},
		"@":                                 {"team": "unattributed", "cost_center": "unattributed"},
		"a@b@contractor.example":            {"team": "contractors", "cost_center": "CC-9"},
		"":                                  {"team": "unattributed", "cost_center": "unattributed"},
	} {
		want = without(want)
		want["agent"] = "claude-code"
		for _, key := range []string{"user.email", "user_email", "cursor.user.email"} {
			onPoint := attributed(a, tokens, nil, raw{key: email})
			assert.Equal(t, email, onPoint[key], "it stays as it was")
			assert.Equal(t, want, without(onPoint, key), "%q on the point as %s", email, key)
			assert.Equal(t, want, attributed(a, tokens, raw{key: email}, nil), "%q on the resource", email)
		}
	}
	both := attributed(a, tokens, raw{"user.email": "ann@example.com"}, raw{"cursor.user.email": "bob@example.com"})
	assert.Equal(t, "search", both["team"], "the point's before the resource's")
}

// Scenario: keys other than addresses, one of them a number.
// Guarantee: they are compared exactly, but for surrounding space.
func TestIdentifiers(t *testing.T) {
	settings := usual()
	settings.Key, settings.Unmatched, settings.Agent = "user.id", "", false
	a := newAttributor(t, settings, "user.id,team\nAb1,payments\n42,search\n")
	for id, want := range map[any]raw{
		"Ab1": {"team": "payments"}, " Ab1 ": {"team": "payments"}, "ab1": {}, 42: {"team": "search"}, "42": {"team": "search"}, true: {},
	} {
		assert.Equal(t, want, without(attributed(a, "anything", nil, raw{"user.id": id}), "user.id"), "%v", id)
	}
}

// Scenario: the file, the client, spellings on point and resource, and the text for nobody compete for one attribute.
// Guarantee: the order in the package's comment; what the attribute was copied from stays; an int stays an int.
func TestPrecedence(t *testing.T) {
	a := newAttributor(t, usual(), people)
	const ann, eve = "ann@example.com", "eve@example.com"
	for name, test := range map[string]struct {
		resource, point raw
		team            any
	}{
		"file before the client's own":       {nil, raw{"user.email": ann, "team": "mine"}, "payments"},
		"file replaces another type":         {nil, raw{"user.email": ann, "team": 7}, "payments"},
		"file before spellings":              {raw{"squad": "s"}, raw{"user.email": ann, "team.id": "t"}, "payments"},
		"client's own before spellings":      {nil, raw{"user.email": eve, "team": "mine", "team.id": "t"}, "mine"},
		"order of spellings":                 {nil, raw{"squad": "s", "department": "d", "team_id": "t"}, "t"},
		"point before resource":              {raw{"team.id": "resource"}, raw{"team.id": "point"}, "point"},
		"spelling before level":              {raw{"team.id": "resource"}, raw{"squad": "point"}, "resource"},
		"resource's own before spellings":    {raw{"team": "resource"}, raw{"team.id": "point"}, "resource"},
		"spelling before nobody":             {raw{"department": "d"}, raw{"user.email": eve}, "d"},
		"empty is absent":                    {raw{"department": "d"}, raw{"user.email": "", "team": "", "team.id": ""}, "d"},
		"number":                             {nil, raw{"team.id": 7}, int64(7)},
		"double":                             {nil, raw{"team.id": 0.5}, 0.5},
		"bool":                               {nil, raw{"team.id": true}, true},
		"lists and maps are no single value": {raw{"team.id": []any{"x"}}, raw{"team_id": raw{"a": "b"}}, "unattributed"},
		"nothing":                            {nil, nil, "unattributed"},
	} {
		t.Run(name, func(t *testing.T) {
			got := attributed(a, tokens, test.resource, test.point)
			assert.Equal(t, test.team, got["team"])
			for key, value := range test.point {
				if key != "team" {
					assert.EqualValues(t, value, got[key])
				}
			}
		})
	}
	centre := attributed(a, tokens, raw{"cost_center": "CC-1"}, raw{"user.email": eve})
	assert.Equal(t, "CC-1", centre["cost_center"], "the resource's attribute of the same name, without an alias")
	mentioned := newAttributor(t, usual(), "email,team\nann@example.com,unattributed\n")
	assert.Equal(t, "unattributed", attributed(mentioned, tokens, nil, raw{"user.email": ann, "team.id": "t"})["team"], "the file's word counts, whatever it is")
}

// Scenario: without a file; with an empty text for nobody; without agents; with other aliases.
// Guarantee: only what is configured happens.
func TestSettings(t *testing.T) {
	assert.Equal(t, raw{"agent": "claude-code"}, attributed(newAttributor(t, usual(), ""), tokens, nil, nil))
	assert.Equal(t, raw{"agent": "claude-code", "team": "t"}, attributed(newAttributor(t, usual(), ""), tokens, raw{"team": "t"}, nil))
	settings := usual()
	settings.Unmatched, settings.Agent = "", false
	a := newAttributor(t, settings, people)
	assert.Equal(t, raw{}, attributed(a, tokens, nil, nil))
	assert.Equal(t, raw{"user.email": "bob@example.com", "team": "search"}, attributed(a, tokens, nil, raw{"user.email": "bob@example.com"}))
	settings.Aliases = map[string][]string{"project": {"repo", "vcs.repository.name"}, "owner": {"repo"}}
	a = newAttributor(t, settings, "")
	assert.Equal(t, raw{"project": "shop", "owner": "shop"}, attributed(a, tokens, raw{"repo": "shop"}, nil), "one spelling of two attributes")
}

// Scenario: a file has an attribute `agent`, and a client sends one.
// Guarantee: the file's word first, then the client's, then what the telemetry tells; a resource's is not the agent.
func TestAgentAttribute(t *testing.T) {
	a := newAttributor(t, usual(), "email,agent\nann@example.com,bot\n")
	assert.Equal(t, "bot", attributed(a, tokens, nil, raw{"user.email": "ann@example.com", "agent": "x"})["agent"])
	assert.Equal(t, "x", attributed(a, tokens, nil, raw{"agent": "x"})["agent"])
	assert.Equal(t, "claude-code", attributed(a, tokens, raw{"agent": "x", "service.name": "codex"}, nil)["agent"])
}

// Scenario: telemetry that is nobody's: no known agent, no key.
// Guarantee: it is not touched, whatever else it has.
func TestOtherTelemetryIsNotTouched(t *testing.T) {
	a := newAttributor(t, usual(), people)
	point := raw{"team.id": "t", "state": "idle", "service.name": "claude-code"}
	assert.Equal(t, point, attributed(a, "system.cpu.time", raw{"department": "d", "service.name": "claude-code"}, point))
	assert.Equal(t, "payments", attributed(a, "in_house.tokens", raw{"user.email": "ann@example.com"}, nil)["team"], "but what has the key is")
}

// Scenario: random attributes of points and resources, a file with confidential columns that are not selected.
// Guarantee: only the named attributes are added; everything else is as it was, in its order.
func TestNothingElseIsAdded(t *testing.T) {
	settings := usual()
	settings.Attributes = []string{"team"}
	a := newAttributor(t, settings, "email,team,salary\nann@example.com,payments,1000000\n")
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"user.email", "team", "team.id", "squad", "salary_band", "model", "type", "prompt", "agent", "session.id"}
	values := []any{"ann@example.com", "", "x", 7, true, 0.5, []any{"a"}, raw{"k": "v"}}
	pick := func() raw {
		out := raw{}
		for range random.IntN(6) {
			out[names[random.IntN(len(names))]] = values[random.IntN(len(values))]
		}
		return out
	}
	for range 5000 {
		md := one(tokens, pick(), pick())
		before := one(tokens, nil, nil)
		md.CopyTo(before)
		a.Metrics(md)
		was, is := firstPoint(before).Attributes(), firstPoint(md).Attributes()
		assert.True(t, before.ResourceMetrics().At(0).Resource().Attributes().Equal(md.ResourceMetrics().At(0).Resource().Attributes()))
		require.LessOrEqual(t, was.Len(), is.Len())
		for name, value := range is.All() {
			old, ok := was.Get(name)
			switch {
			case name == "team", name == "agent":
				assert.NotContains(t, value.AsString(), "1000000")
			default:
				require.True(t, ok, "%s was added", name)
				require.True(t, old.Equal(value), "%s was changed", name)
			}
		}
	}
}

// Scenario: rows and aliases stand in another order; attributes of a point too.
// Guarantee: the outcome is the same.
func TestOrderDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	lines := strings.Split(strings.TrimSpace(people), "\n")
	spellings := []string{"team.id", "team_id", "department", "squad"}
	emails := []string{"ann@example.com", "x@contractor.example", "x@berlin.contractor.example", "x@a.contractor.example", "eve@example.com"}
	reference := newAttributor(t, usual(), people)
	for range 200 {
		shuffled := append([]string(nil), lines[1:]...)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		a := newAttributor(t, usual(), lines[0]+"\n"+strings.Join(shuffled, "\n"))
		md := one(tokens, nil, nil)
		attributes := firstPoint(md).Attributes()
		random.Shuffle(len(spellings), func(i, j int) { spellings[i], spellings[j] = spellings[j], spellings[i] })
		for _, spelling := range spellings[:random.IntN(len(spellings))] {
			attributes.PutStr(spelling, "by "+spelling)
		}
		attributes.PutStr("user.email", emails[random.IntN(len(emails))])
		want := attributed(reference, tokens, nil, attributes.AsRaw())
		a.Metrics(md)
		require.Equal(t, want, firstPoint(md).Attributes().AsRaw())
	}
}

// Scenario: every type of metric.
// Guarantee: its points are completed.
func TestTypesOfMetrics(t *testing.T) {
	a := newAttributor(t, usual(), people)
	md := pmetric.NewMetrics()
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	points := []pcommon.Map{}
	add := func() pmetric.Metric {
		m := metrics.AppendEmpty()
		m.SetName("codex.anything")
		return m
	}
	points = append(points, add().SetEmptySum().DataPoints().AppendEmpty().Attributes())
	points = append(points, add().SetEmptyGauge().DataPoints().AppendEmpty().Attributes())
	points = append(points, add().SetEmptyHistogram().DataPoints().AppendEmpty().Attributes())
	points = append(points, add().SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes())
	points = append(points, add().SetEmptySummary().DataPoints().AppendEmpty().Attributes())
	add() // without any type
	for _, attributes := range points {
		attributes.PutStr("user.email", "ann@example.com")
	}
	a.Metrics(md)
	for i, attributes := range points {
		assert.Equal(t, raw{"user.email": "ann@example.com", "team": "payments", "cost_center": "CC-7", "agent": "codex"}, attributes.AsRaw(), i)
	}
}

// Scenario: several goroutines work while the file changes all the time.
// Guarantee: each request is treated by one file throughout. (And no data race, with -race.)
func TestHotSwap(t *testing.T) {
	a := newAttributor(t, usual(), "email,team,squad\nann@example.com,t0,t0\n")
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				md := one(tokens, raw{"user.email": "ann@example.com"}, nil)
				points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
				for range 20 {
					points.AppendEmpty()
				}
				a.Metrics(md)
				want, _ := points.At(1).Attributes().Get("team") // of unknown time: what is said now
				for i := 1; i < points.Len(); i++ {
					team, _ := points.At(i).Attributes().Get("team")
					squad, _ := points.At(i).Attributes().Get("squad")
					if team.Str() != want.Str() || squad.Str() != want.Str() {
						t.Errorf("point %d has team %q and squad %q, point 1 has %q", i, team.Str(), squad.Str(), want.Str())
					}
				}
			}
		})
	}
	for i := range 500 {
		team := "t" + string(rune('0'+i%10))
		require.NoError(t, a.Load("users.csv", []byte("email,team,squad\nann@example.com,"+team+","+team+"\n")))
		_ = a.Budgets()
		_ = a.Users()
	}
	close(stop)
	workers.Wait()
}

// Scenario: a newer file cannot be read.
// Guarantee: the former one stays in use.
func TestBadFileChangesNothing(t *testing.T) {
	a := newAttributor(t, usual(), people)
	require.Error(t, a.Load("users.csv", []byte("email,team\nx\n")))
	assert.Equal(t, "payments", attributed(a, tokens, nil, raw{"user.email": "ann@example.com"})["team"])
	assert.Equal(t, 5, a.Users())
}
