package seeds

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Query is something that a dashboard or a text asks.
type Query struct {
	Source     string // file and panel
	Expression string // with the variables of dashboards replaced
}

// PromQL are the questions to Prometheus in a stack's own files, each once. The stack's own family is asked where a text
// names only a metric.
func (s Seed) PromQL(tb testing.TB) []Query {
	tb.Helper()
	queries := s.questions(tb)
	queries = slices.DeleteFunc(queries, func(q Query) bool { return !asksPrometheus(q.Expression) })
	return unique(queries)
}

// LogsQL are the questions to VictoriaLogs in a stack's own files, each once.
func (s Seed) LogsQL(tb testing.TB) []Query {
	tb.Helper()
	queries := s.questions(tb)
	queries = slices.DeleteFunc(queries, func(q Query) bool {
		return !strings.HasPrefix(q.Expression, "_msg:") && !strings.HasPrefix(q.Expression, "job:")
	})
	return unique(queries)
}

func (s Seed) questions(tb testing.TB) []Query {
	tb.Helper()
	var out []Query
	for _, file := range s.Dashboards {
		out = append(out, dashboard(tb, file)...)
	}
	for _, file := range s.Texts {
		content, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, text(tb, file, string(content))...)
	}
	return out
}

// dashboard reads all targets of a Grafana dashboard, whatever panels they are nested in.
func dashboard(tb testing.TB, file string) []Query {
	tb.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(content, &tree); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	var out []Query
	var walk func(node any, title string)
	walk = func(node any, title string) {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				walk(child, title)
			}
		case map[string]any:
			if own, ok := node["title"].(string); ok {
				title = own
			}
			if expression, ok := node["expr"].(string); ok && expression != "" {
				out = append(out, Query{file + " " + title, withoutVariables(expression)})
			}
			for _, child := range node {
				walk(child, title)
			}
		}
	}
	walk(tree, "")
	return out
}

// withoutVariables replaces what Grafana would: a range that covers everything, and the usual interval. $session stays.
func withoutVariables(expression string) string {
	return strings.NewReplacer("$__range", "1h", "$__rate_interval", "5m", "$__interval", "5m").Replace(strings.TrimSpace(expression))
}

var (
	fence      = regexp.MustCompile("(?ms)^[ \t]*```([a-z]*)[ \t]*\n(.*?)^[ \t]*```")
	paragraphs = regexp.MustCompile(`\n[ \t]*\n`)
)

// text reads the queries of a Markdown text: code blocks in PromQL, and rules in YAML.
func text(tb testing.TB, file, content string) []Query {
	tb.Helper()
	var out []Query
	for _, block := range fence.FindAllStringSubmatch(content, -1) {
		language, code := block[1], block[2]
		switch language {
		case "promql":
			for _, paragraph := range paragraphs.Split(code, -1) {
				if query := withoutComments(paragraph); query != "" {
					out = append(out, Query{file, withoutVariables(query)})
				}
			}
		case "yaml":
			out = append(out, rules(file, code)...)
		}
	}
	return out
}

func withoutComments(paragraph string) string {
	var lines []string
	for line := range strings.Lines(paragraph) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// rules reads the expressions of recording and alerting rules, and nothing of other YAML.
func rules(file, code string) []Query {
	var document struct {
		Groups []struct {
			Rules []struct{ Record, Alert, Expr string }
		}
	}
	if yaml.Unmarshal([]byte(code), &document) != nil {
		return nil // an excerpt of another file
	}
	var out []Query
	for _, group := range document.Groups {
		for _, rule := range group.Rules {
			out = append(out, Query{file + " " + rule.Record + rule.Alert, withoutVariables(withoutComments(rule.Expr))})
		}
	}
	return out
}

// asksPrometheus leaves out questions to VictoriaLogs, and names of recorded rules, whose expressions are asked instead.
func asksPrometheus(expression string) bool {
	return strings.Contains(expression, "claude_code") && !strings.HasPrefix(expression, "_msg:") &&
		!strings.HasPrefix(expression, "job:") && !strings.HasPrefix(expression, "claude_code:")
}

// unique keeps the first of equal expressions.
func unique(queries []Query) []Query {
	seen := map[string]bool{}
	return slices.DeleteFunc(queries, func(q Query) bool {
		key := strings.Join(strings.Fields(q.Expression), " ")
		again := seen[key]
		seen[key] = true
		return again
	})
}
