package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// logShapes are the kinds of questions that dashboards ask of VictoriaLogs.
var logShapes = []seeds.Query{
	{Source: "count", Expression: `_msg:claude_code.api_request | stats count() as requests`},
	{Source: "sum", Expression: `_msg:claude_code.api_request | stats sum(input_tokens) as tokens`},
	{Source: "average", Expression: `_msg:claude_code.api_request | stats avg(duration_ms) as ms`},
	{Source: "sum by", Expression: `_msg:claude_code.api_request session.id:"$session" | stats by (model) sum(cost_usd) as usd`},
	{Source: "count by", Expression: `_msg:claude_code.tool_result session.id:"$session" | stats by (tool_name) count() as n`},
	{Source: "count by a dotted field", Expression: `_msg:claude_code.user_prompt | stats by (session.id) count() as prompts`},
	{Source: "decisions", Expression: `_msg:claude_code.tool_decision session.id:"$session" | stats count() as decisions`},
	{Source: "records", Expression: `job:claude session.id:"$session"`},
	{Source: "all records", Expression: `job:claude`},
}

// TestDropInVictoriaLogs sends the logs of real clients through the shape of the stack that keeps them in VictoriaLogs,
// whose stand-in takes nothing but OTLP in protobuf under the path of the real one.
//
// Scenario: only the collector is replaced. Guarantee: every record is there once with every field, so that counts, sums
// and averages are those of the script that the clients were recorded with.
func TestDropInVictoriaLogs(t *testing.T) {
	t.Parallel()
	root := harness.MustRoot(t)
	s := startLogStack(t, seeds.Shapes(root)[2])
	traffic := seeds.Traffic(t, root, "VictoriaLogs")
	s.send(t, traffic)
	s.requireLogAnswers(t, traffic, logShapes)

	requests, err := s.victoria.Ask(logShapes[0].Expression)
	require.NoError(t, err)
	assert.Equal(t, map[string]float64{"": 40}, requests.Groups, "four sessions of ten requests to the model")
	for _, session := range traffic.Sessions {
		for field, kind := range map[string]string{
			"input_tokens": "input", "output_tokens": "output", "cache_read_tokens": "cacheRead", "cache_creation_tokens": "cacheCreation",
		} {
			question := fmt.Sprintf(`_msg:claude_code.api_request session.id:%q | stats by (model) sum(%s) as tokens`, session.ID, field)
			answer, err := s.victoria.Ask(question)
			require.NoError(t, err)
			assert.Equal(t, map[string]float64{session.Model: session.Tokens[kind]}, answer.Groups, field)
		}
		cost, err := s.victoria.Ask(fmt.Sprintf(`_msg:claude_code.api_request session.id:%q | stats sum(cost_usd) as usd`, session.ID))
		require.NoError(t, err)
		assert.InDelta(t, session.Cost, cost.Groups[""], costTolerance)
	}
}

// startLogStack starts the collector of a stack and the stores for its logs, without Prometheus.
func startLogStack(t *testing.T, seed seeds.Seed) *stack {
	t.Helper()
	box := harness.StartBox(t, stackHosts...)
	startRecorder(t, box.Listen(t, prometheusPort)) // takes what is pushed: a collector that ends waits for a store that is away
	return &stack{
		seed:     seed,
		loki:     seeds.StartLoki(t, box.Listen(t, lokiPort)),
		victoria: seeds.StartVictoriaLogs(t, box.Listen(t, victoriaLogsPort)),
		collector: box.StartCollector(t, harness.BoxedSetup{
			Binary: product(t), Arguments: []string{"--config", seed.Collector}, Env: environmentFor(seed),
		}),
	}
}

// requireLogAnswers asks the stack's VictoriaLogs and one that was given the records directly, for each session, and wants
// equal answers.
func (s *stack) requireLogAnswers(t *testing.T, traffic capture.Capture, questions []seeds.Query) {
	t.Helper()
	require.GreaterOrEqual(t, len(questions), len(logShapes), "questions to VictoriaLogs")
	ideal := &seeds.VictoriaLogs{}
	for _, request := range traffic.Of(capture.Logs) {
		decoded, err := request.LogsRequest()
		require.NoError(t, err)
		for _, rl := range decoded.Logs().ResourceLogs().All() {
			rl.Resource().Attributes().PutStr("job", "claude") // as the stack's configuration does
		}
		ideal.Store(decoded.Logs())
	}
	harness.Eventually(t, harness.Patience, "records in VictoriaLogs", func() error {
		if want, got := len(ideal.Records()), len(s.victoria.Records()); want != got {
			return fmt.Errorf("%d of %d", got, want)
		}
		return nil
	})
	for _, question := range questions {
		for _, session := range traffic.Sessions {
			expression := strings.ReplaceAll(question.Expression, "$session", session.ID)
			want, err := ideal.Ask(expression)
			require.NoError(t, err, question.Source)
			got, err := s.victoria.Ask(expression)
			require.NoError(t, err, question.Source)
			require.NotZero(t, len(want.Groups)+len(want.Records), "%s: %s", question.Source, expression)
			assert.NoError(t, seeds.SameAnswer(want, got), "%s: %s", question.Source, expression)
		}
	}
}

// TestDropInLoki sends the logs of real clients through the shape of the stack whose Loki has only the push API.
//
// Scenario: only the collector is replaced; no stock image has this exporter any more.
// Guarantee: every record arrives as one line in a stream of the label job and no label that was switched off, as JSON
// with the body and every attribute.
func TestDropInLoki(t *testing.T) {
	t.Parallel()
	root := harness.MustRoot(t)
	s := startLogStack(t, seeds.Shapes(root)[1])
	traffic := seeds.Traffic(t, root, "Loki")
	s.send(t, traffic)
	s.requireLines(t, traffic)
}

// requireLines checks that Loki has each record as a line.
func (s *stack) requireLines(t *testing.T, traffic capture.Capture) {
	t.Helper()
	want := map[string]int{}
	for _, request := range traffic.Of(capture.Logs) {
		decoded, err := request.LogsRequest()
		require.NoError(t, err)
		for _, rl := range decoded.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					session, _ := lr.Attributes().Get("session.id")
					sequence, _ := lr.Attributes().Get("event.sequence")
					want[lineKey(lr.Body().AsString(), session.AsString(), sequence.AsString())]++
				}
			}
		}
	}
	harness.Eventually(t, harness.Patience, "lines in Loki", func() error {
		got := map[string]int{}
		for _, line := range s.loki.Lines() {
			var record struct {
				Body       string
				Attributes map[string]any
			}
			if err := json.Unmarshal([]byte(line.Text), &record); err != nil {
				return fmt.Errorf("line %q: %w", line.Text, err)
			}
			got[lineKey(record.Body, fmt.Sprint(record.Attributes["session.id"]), fmt.Sprint(record.Attributes["event.sequence"]))]++
		}
		if len(got) != len(want) {
			return fmt.Errorf("%d of %d records", len(got), len(want))
		}
		for key, count := range want {
			if got[key] != count {
				return fmt.Errorf("%s: %d times, should be %d", key, got[key], count)
			}
		}
		return nil
	})
	for _, line := range s.loki.Lines() {
		require.Equal(t, "claude-code", line.Labels["job"], "labels %v", line.Labels)
		require.NotContains(t, line.Labels, "exporter", "it was switched off")
	}
}

func lineKey(body, session, sequence string) string {
	return body + " " + session + " " + sequence
}
