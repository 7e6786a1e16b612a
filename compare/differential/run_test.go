package differential

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
)

// subject is a processor under test with what left it.
type subject struct {
	processor.Metrics
	sink *recorder
}

// run plays a scenario through both processors. Time is faked, so a scenario of minutes takes milliseconds, and every
// delivery has its exact moment.
func run(t *testing.T, s *Scenario) (ours, contrib record) {
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, begin, time.Now().UTC(), "the faked clock begins elsewhere")
		ledger, rival := startOurs(t, s), startContrib(t, s)
		for i := range s.Requests {
			r := &s.Requests[i]
			time.Sleep(r.At - time.Since(begin))
			ledger.send(t, r)
			rival.send(t, r)
		}
		time.Sleep(s.Rest)
		require.NoError(t, ledger.Shutdown(t.Context()))
		require.NoError(t, rival.Shutdown(t.Context()))
		ours, contrib = ledger.sink.record, rival.sink.record
	})
	return ours, contrib
}

func startContrib(t *testing.T, s *Scenario) *subject {
	factory := deltatocumulativeprocessor.NewFactory()
	cfg := factory.CreateDefaultConfig().(*deltatocumulativeprocessor.Config)
	cfg.MaxStale, cfg.MaxStreams = s.MaxStale, s.MaxStreams
	return start(t, factory, cfg)
}

func startOurs(t *testing.T, s *Scenario) *subject {
	factory := tokenledgerprocessor.NewFactory()
	cfg := factory.CreateDefaultConfig().(*tokenledgerprocessor.Config)
	cfg.MaxStale, cfg.Cardinality.MaxStreams, cfg.MaxLag = s.MaxStale, s.MaxStreams, s.MaxLag
	cfg.EmitInterval = 0 // L2 repeats totals while nothing happens
	return start(t, factory, cfg)
}

func start(t *testing.T, factory processor.Factory, cfg component.Config) *subject {
	sink := newRecorder()
	p, err := factory.CreateMetrics(t.Context(), processortest.NewNopSettings(factory.Type()), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(context.Background(), componenttest.NewNopHost()))
	return &subject{p, sink}
}

func (s *subject) send(t *testing.T, r *Request) {
	s.sink.refuseAll(r.Refused)
	err := s.ConsumeMetrics(t.Context(), r.metrics())
	s.sink.refuseAll(false)
	if err != nil {
		require.ErrorIs(t, err, errRefused)
	}
}
