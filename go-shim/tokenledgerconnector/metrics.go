// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import "go.opentelemetry.io/collector/pdata/pmetric"

// Attributes of points.
const (
	attributeAgent     = "agent"
	attributeModel     = "model"
	attributeProvider  = "provider"
	attributeType      = "type"
	attributeSource    = "source"
	attributeOutcome   = "outcome"
	attributeErrorType = "error.type"
	attributeIssue     = "issue"
)

// sourceEvents marks what was counted from events, beside `metrics` for what the processor makes of clients' metrics.
const sourceEvents = "events"

// modelUnknown stands for a model that the agent does not name.
const modelUnknown = "unknown"

// Values of `type` beside the classes of tokens.
const typeWebSearch = "web_search"

// Values of `outcome`.
const (
	outcomeOK    = "ok"
	outcomeError = "error"
)

// Values of `issue`.
const (
	issueMissingCost        = "missing_cost"
	issueMissingTokens      = "missing_tokens"
	issueUnknownModel       = "unknown_model"
	issueUnattributedUser   = "unattributed_user"
	issueInconsistentTokens = "inconsistent_tokens"
)

// metricID is one of the metrics that the connector makes.
type metricID int

const (
	metricTokens metricID = iota
	metricCost
	metricSavings
	metricUnpriced
	metricRequests
	metricDuration
	metricReported
	metricDifference
	metricQuality
	metricCount
)

// kind says how the values of a metric are kept and written.
type kind int

const (
	// kindCount are whole numbers.
	kindCount kind = iota
	// kindUSD are dollars, kept in units of 10⁻¹².
	kindUSD
	// kindSeconds are durations, in a histogram.
	kindSeconds
)

var metrics = [metricCount]struct {
	name, description, unit string
	kind                    kind
	notMonotonic            bool
}{
	metricTokens:     {name: "token_ledger.tokens", unit: "{token}", kind: kindCount, description: "Tokens of requests to models, by class; classes exclude each other"},
	metricCost:       {name: "token_ledger.cost", unit: "USD", kind: kindUSD, description: "What requests cost by the price table, by class of tokens: an estimate at list prices less configured discounts, not a bill"},
	metricSavings:    {name: "token_ledger.cost.savings", unit: "USD", kind: kindUSD, description: "What reading tokens from caches saved against sending them as input, by the price table"},
	metricUnpriced:   {name: "token_ledger.tokens.unpriced", unit: "{token}", kind: kindCount, description: "Tokens of models that are not in the price table, by class; no cost contains them"},
	metricRequests:   {name: "token_ledger.requests", unit: "{request}", kind: kindCount, description: "Requests to models, by how they ended"},
	metricDuration:   {name: "token_ledger.request.duration", unit: "s", kind: kindSeconds, description: "How long requests to models took, as their agents measured it"},
	metricReported:   {name: "token_ledger.cost.reported", unit: "USD", kind: kindUSD, description: "What agents themselves say that requests cost: their own estimate"},
	metricDifference: {name: "token_ledger.cost.difference", unit: "USD", kind: kindUSD, notMonotonic: true, description: "What agents say that requests cost, less what the price table says, over requests that have both"},
	metricQuality:    {name: "token_ledger.data_quality.requests", unit: "{request}", kind: kindCount, description: "Requests whose data lacks something or contradicts itself, by what it is"},
}

// durationBounds are the upper bounds of the histogram's buckets, in seconds: from an answer out of a cache to an
// agent's longest thought, closest where most requests are.
var durationBounds = []float64{0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600}

// describe writes everything but the points, and returns where points go.
func (m metricID) describe(into pmetric.Metric) {
	d := &metrics[m]
	into.SetName(d.name)
	into.SetDescription(d.description)
	into.SetUnit(d.unit)
	if d.kind == kindSeconds {
		into.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		return
	}
	sum := into.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	sum.SetIsMonotonic(!d.notMonotonic)
}
