package fleet

import (
	"context"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstransformprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
	"github.com/tokenledger/tokenledger/tests/capture"
)

// stage is a processor with its settings.
type stage struct {
	factory  processor.Factory
	settings map[string]any
}

func deleteSessions() stage {
	return stage{attributesprocessor.NewFactory(), map[string]any{"actions": []any{map[string]any{"key": "session.id", "action": "delete"}}}}
}

func aggregateLabels() stage {
	return stage{metricstransformprocessor.NewFactory(), map[string]any{"transforms": []any{map[string]any{
		"include": `^claude_code\.`, "match_type": "regexp", "action": "update",
		"operations": []any{map[string]any{
			"action": "aggregate_labels", "label_set": []any{"fleet", "model", "type"}, "aggregation_type": "sum",
		}},
	}}}}
}

func deltaToCumulative() stage {
	return stage{deltatocumulativeprocessor.NewFactory(), nil}
}

func tokenLedger(settings map[string]any) stage {
	return stage{tokenledgerprocessor.NewFactory(), settings}
}

// page keeps what the page of an exporter would show: the latest value of each series.
type page struct {
	mu     sync.Mutex
	points map[string]pmetric.NumberDataPoint
}

func (*page) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (p *page) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	capture.EachPoint(md, func(m pmetric.Metric, point pmetric.NumberDataPoint) {
		key := capture.Key(m.Name(), labelsOf(point.Attributes()))
		if last, there := p.points[key]; there && point.Timestamp() < last.Timestamp() {
			return
		}
		kept := pmetric.NewNumberDataPoint()
		point.CopyTo(kept)
		p.points[key] = kept
	})
	return nil
}

func labelsOf(attributes pcommon.Map) map[string]string {
	out := map[string]string{}
	for name, value := range attributes.All() {
		out[name] = value.AsString()
	}
	return out
}

// tokens adds up the shown tokens of a fleet.
func (p *page) tokens(f capture.Fleet) (sum float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, point := range p.points {
		fleet, _ := point.Attributes().Get("fleet")
		if strings.HasPrefix(key, "claude_code_token_usage") && fleet.AsString() == f.String() {
			sum += point.DoubleValue()
		}
	}
	return sum
}

// through sends all fleets through a chain, one after the other, and returns the page behind it.
func through(t *testing.T, c capture.Capture, stages ...stage) *page {
	t.Helper()
	shown := &page{points: map[string]pmetric.NumberDataPoint{}}
	next := consumer.Metrics(shown)
	var all []processor.Metrics
	for _, s := range slices.Backward(stages) {
		cfg := s.factory.CreateDefaultConfig()
		require.NoError(t, confmap.NewFromStringMap(s.settings).Unmarshal(cfg))
		p, err := s.factory.CreateMetrics(t.Context(), processortest.NewNopSettings(s.factory.Type()), cfg, next)
		require.NoError(t, err)
		require.NoError(t, p.Start(context.Background(), componenttest.NewNopHost()))
		all = append(all, p)
		next = p
	}
	for _, f := range capture.Fleets() {
		for _, request := range c.Arrivals(t, f, time.Now().Add(-time.Minute)) {
			require.NoError(t, next.ConsumeMetrics(t.Context(), request))
		}
	}
	for _, p := range slices.Backward(all) {
		require.NoError(t, p.Shutdown(context.Background()))
	}
	return shown
}

// chains are the ways to do without session ids, with what is known of them.
var chains = []struct {
	name   string
	stages func() []stage
	exact  bool
}{
	{"attributes, delta_to_cumulative", func() []stage { return []stage{deleteSessions(), deltaToCumulative()} }, false},
	{"attributes, metrics_transform, delta_to_cumulative", func() []stage {
		return []stage{deleteSessions(), aggregateLabels(), deltaToCumulative()}
	}, false},
	{"token_ledger", func() []stage {
		rule := map[string]any{"metrics": []any{"claude_code.*"}, "drop": []any{"session.id"}}
		return []stage{tokenLedger(map[string]any{"cardinality": map[string]any{"rules": []any{rule}}})}
	}, true},
	{"attributes, token_ledger", func() []stage {
		return []stage{deleteSessions(), tokenLedger(map[string]any{"retransmissions": "add"})}
	}, true},
}

// Scenario: fleets of 20 sessions, cloned from a recording, with delays of up to half an export interval and two sessions
// tied in every millisecond, through the usual chains and through token_ledger, which trims or finds it done. Guarantee:
// token_ledger's tokens are exact in every fleet; the usual chains lose in every fleet, more than a fifth with the
// longest delays.
func TestFleets(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	c := capture.Load(t, root, "2.1.197", capture.JSON)
	var truth float64
	for _, count := range c.Sessions[0].Tokens {
		truth += capture.FleetSize * count
	}
	for _, chain := range chains {
		t.Run(chain.name, func(t *testing.T) {
			shown := through(t, c, chain.stages()...)
			worst := map[time.Duration]float64{}
			for _, f := range capture.Fleets() {
				tokens := shown.tokens(f)
				if chain.exact {
					assert.Equal(t, truth, tokens, "%s", f)
					continue
				}
				assert.Less(t, tokens, truth, "%s", f)
				worst[f.Jitter] = math.Max(worst[f.Jitter], 1-tokens/truth)
			}
			for _, jitter := range slices.Sorted(maps.Keys(worst)) {
				t.Logf("jitter %v: up to %.0f %% lost", jitter, 100*worst[jitter])
			}
			if !chain.exact {
				assert.Greater(t, worst[500*time.Millisecond], 0.2)
			}
		})
	}
}
