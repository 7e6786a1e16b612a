package seeds

import (
	"maps"
	"regexp"
	"strings"
)

// Shape is a kind of question that dashboards ask, with what the answer has to be. {tokens}, {cost} and so on stand for
// the names of metrics in a family.
type Shape struct {
	Name       string
	Expression string
	// Want is the true answer by the value of the label By; without By, under the empty text. Nothing is an empty answer.
	By   string
	Want func(Truth) map[string]float64
}

// Ask is the question in a family's names.
func (s Shape) Ask(family Family) string {
	return placeholder.ReplaceAllStringFunc(s.Expression, func(name string) string {
		return placeholders[strings.Trim(name, "{}")].In(family)
	})
}

// Extrapolates says whether a question reads increase or rate, which extrapolate towards the edges of their range: they
// are exact only at the time of the last sample.
func Extrapolates(expression string) bool {
	return strings.Contains(expression, "increase(") || strings.Contains(expression, "rate(")
}

var (
	placeholder  = regexp.MustCompile(`\{[a-z_]+\}`)
	placeholders = map[string]Metric{
		"tokens": Tokens, "cost": Cost, "sessions": Sessions, "lines": Lines, "decisions": Decisions,
		"active": ActiveTime, "commits": Commits, "pull_requests": PullRequests,
	}
)

// ShapeQueries are the shapes that the dashboards and texts of the known stacks use, raw counters first.
var ShapeQueries = []Shape{
	{"raw counter", `sum({tokens})`, "", func(t Truth) map[string]float64 { return single(t.Sum(Tokens)) }},
	{"raw counter, US dollars", `sum({cost})`, "", func(t Truth) map[string]float64 { return single(t.Sum(Cost)) }},
	{"raw counter of one kind", `sum({tokens}{type="cacheRead"})`, "", func(t Truth) map[string]float64 {
		return single(t.Sum(Tokens, "type", "cacheRead"))
	}},
	{"lines accepted", `sum({lines}{type="added"})`, "", func(t Truth) map[string]float64 {
		return single(t.Sum(Lines, "type", "added"))
	}},
	{"share of the cache", `sum({tokens}{type="cacheRead"}) / (sum({tokens}{type="cacheRead"}) + sum({tokens}{type="input"})) * 100`, "",
		func(t Truth) map[string]float64 {
			read, input := t.Sum(Tokens, "type", "cacheRead"), t.Sum(Tokens, "type", "input")
			return single(read / (read + input) * 100)
		}},
	{"seconds by who was active", `sum by (type) ({active})`, "type", func(t Truth) map[string]float64 { return t.By(ActiveTime, "type") }},
	{"rate without sum", `rate({sessions}[5m])`, "session_id", func(t Truth) map[string]float64 {
		out := t.By(Sessions, "session_id")
		for session := range out {
			out[session] /= 300
		}
		return out
	}},
	{"raw counter by label", `sum by (model) ({tokens})`, "model", func(t Truth) map[string]float64 { return t.By(Tokens, "model") }},
	{"commits", `sum({commits})`, "", func(t Truth) map[string]float64 { return single(t.Sum(Commits)) }},
	{"edits by decision", `sum by (decision) ({decisions})`, "decision", func(t Truth) map[string]float64 {
		return t.By(Decisions, "decision")
	}},
	{"sessions that used tokens", `count(count by (session_id) ({tokens}))`, "", func(t Truth) map[string]float64 {
		return single(float64(len(t.By(Tokens, "session_id"))))
	}},
	{"series", `count({tokens})`, "", func(t Truth) map[string]float64 { return single(float64(t.Series(Tokens))) }},
	{"ratio of totals", `sum({active}{type="cli"}) / sum({active}{type="user"})`, "", func(t Truth) map[string]float64 {
		return single(t.Sum(ActiveTime, "type", "cli") / t.Sum(ActiveTime, "type", "user"))
	}},
	{"price of output", `sum({cost}) / sum({tokens}{type="output"}) * 1000`, "", func(t Truth) map[string]float64 {
		return single(t.Sum(Cost) / t.Sum(Tokens, "type", "output") * 1000)
	}},
	{"largest value of a counter", `sum(max_over_time({tokens}[1h]))`, "", func(t Truth) map[string]float64 {
		return single(t.Sum(Tokens))
	}},
	{"largest ratio, by a subquery", `max_over_time((sum({tokens}{type="input"}) / sum({tokens}{type="output"}))[1m:1s])`, "",
		func(t Truth) map[string]float64 {
			return single(t.Sum(Tokens, "type", "input") / t.Sum(Tokens, "type", "output"))
		}},
	{"increase", `sum(increase({tokens}[1h]))`, "", func(t Truth) map[string]float64 { return single(t.Sum(Tokens)) }},
	{"increase of single events", `sum(increase({sessions}[1h]))`, "", func(t Truth) map[string]float64 {
		return single(t.Sum(Sessions))
	}},
	{"increase by label", `sum by (type) (increase({tokens}[24h]))`, "type", func(t Truth) map[string]float64 {
		return t.By(Tokens, "type")
	}},
	{"increase without sum", `increase({sessions}[1h])`, "session_id", func(t Truth) map[string]float64 {
		return t.By(Sessions, "session_id")
	}},
	{"rate per five minutes", `sum by (model) (rate({cost}[5m])) * 300`, "model", func(t Truth) map[string]float64 {
		return t.By(Cost, "model")
	}},
	{"rate per hour", `sum(rate({lines}[5m])) * 3600`, "", func(t Truth) map[string]float64 { return single(t.Sum(Lines) * 12) }},
	{"quotient of increases", `sum(increase({cost}[24h])) / sum(increase({sessions}[24h]))`, "", func(t Truth) map[string]float64 {
		return single(t.Sum(Cost) / t.Sum(Sessions))
	}},
	{"users with an increase", `count(sum by (user_id) (increase({cost}[1h])) > 0)`, "", func(t Truth) map[string]float64 {
		return single(float64(len(t.By(Cost, "user_id"))))
	}},
	{"users present in a day", `count(count by (user_id) (present_over_time({sessions}[1d])))`, "", func(t Truth) map[string]float64 {
		return single(float64(len(t.By(Sessions, "user_id"))))
	}},
	{"the largest", `topk(1, sum by (model) ({cost}))`, "model", func(t Truth) map[string]float64 { return largest(t.By(Cost, "model")) }},
	{"a week ago", `sum({tokens} offset 7d)`, "", nothing},
	{"a week ago, or nothing", `sum({tokens} offset 7d) or vector(0)`, "", func(Truth) map[string]float64 { return single(0) }},
	{"tokens without a commit", `sum by (session_id) ({tokens}) unless sum by (session_id) ({commits})`, "session_id", nothing},
	{"tokens with a session", `sum by (session_id) ({tokens}) and sum by (session_id) ({sessions})`, "session_id",
		func(t Truth) map[string]float64 { return t.By(Tokens, "session_id") }},
	{"label made of others", `sum by (who) (label_join({tokens}, "who", "/", "team_id", "department"))`, "who",
		func(t Truth) map[string]float64 { return map[string]float64{"platform/engineering": t.Sum(Tokens)} }},
	{"threshold not reached", `sum(increase({cost}[24h])) > 100`, "", nothing},
}

func single(value float64) map[string]float64 { return map[string]float64{"": value} }

func nothing(Truth) map[string]float64 { return map[string]float64{} }

func largest(values map[string]float64) map[string]float64 {
	best, most := "", 0.0
	for label, value := range values {
		if value > most {
			best, most = label, value
		}
	}
	out := maps.Clone(values)
	maps.DeleteFunc(out, func(label string, _ float64) bool { return label != best })
	return out
}
