package seeds

import "strings"

// Family is a way to name the client's metrics in Prometheus. No dashboard works on more than one of them.
type Family string

// The families, by the values of TOKEN_LEDGER_NAMES.
const (
	Canonical    Family = "canonical"     // claude_code_cost_usage_USD_total
	Double       Family = "double"        // claude_code_claude_code_cost_usage_USD_total
	OTel         Family = "otel"          // otel_claude_code_cost_usage_USD_total
	WithoutUnits Family = "without_units" // claude_code_cost_usage_total
	Bare         Family = "bare"          // claude_code_cost_usage
)

// Metric is one of the client's metrics: the name that it sends and the unit that the exporters append.
type Metric struct {
	Name, Unit string
}

// The client's metrics that the stacks ask for.
var (
	Tokens       = Metric{"claude_code.token.usage", "tokens"}
	Cost         = Metric{"claude_code.cost.usage", "USD"}
	Sessions     = Metric{"claude_code.session.count", ""}
	Lines        = Metric{"claude_code.lines_of_code.count", ""}
	Decisions    = Metric{"claude_code.code_edit_tool.decision", ""}
	ActiveTime   = Metric{"claude_code.active_time.total", "seconds"}
	Commits      = Metric{"claude_code.commit.count", ""}
	PullRequests = Metric{"claude_code.pull_request.count", ""}
)

// Metrics are all of them.
var Metrics = []Metric{Tokens, Cost, Sessions, Lines, Decisions, ActiveTime, Commits, PullRequests}

// NamesIn are the metric's names in a family. Dashboards ask for two more names of the active time that no collector ever
// made by itself.
func (m Metric) NamesIn(family Family) []string {
	names := []string{m.In(family)}
	if m == ActiveTime && family == WithoutUnits {
		names = append(names, "claude_code_active_time_total_total", "claude_code_active_time_total_seconds")
	}
	return names
}

// In is the metric's name in a family.
func (m Metric) In(family Family) string {
	name := strings.ReplaceAll(m.Name, ".", "_")
	stem := strings.TrimSuffix(name, "_total")
	unit := ""
	if m.Unit != "" {
		unit = "_" + m.Unit
	}
	switch family {
	case Double:
		return "claude_code_" + stem + unit + "_total"
	case OTel:
		return "otel_" + stem + unit + "_total"
	case WithoutUnits:
		return stem + "_total"
	case Bare:
		return name
	default:
		return stem + unit + "_total"
	}
}

// Own is the family that a stack's page shows without further ado.
func (s Seed) Own() Family {
	if s.Namespace == "claude_code_" {
		return Double
	}
	return Canonical
}
