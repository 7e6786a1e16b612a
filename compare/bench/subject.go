package main

import (
	"context"
	"fmt"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
)

// maxStale is set on both processors: none forgets streams during a run.
const maxStale = 24 * time.Hour

// startSubject makes and starts a processor with a next consumer that does nothing. Self-telemetry goes to meters; nil
// is none, which favours contrib: it counts each point, token_ledger each request.
func startSubject(name string, streams int, meters metric.MeterProvider) (processor.Metrics, error) {
	factory, cfg, err := configured(name, streams)
	if err != nil {
		return nil, err
	}
	if meters == nil {
		meters = noop.NewMeterProvider()
	}
	settings := processortest.NewNopSettings(factory.Type())
	settings.MeterProvider = meters
	p, err := factory.CreateMetrics(context.Background(), settings, cfg, consumertest.NewNop())
	if err != nil {
		return nil, err
	}
	return p, p.Start(context.Background(), componenttest.NewNopHost())
}

// configured leaves both processors at their defaults but for what a run of that many streams needs.
func configured(name string, streams int) (processor.Factory, component.Config, error) {
	switch name {
	case ours:
		factory := tokenledgerprocessor.NewFactory()
		cfg := factory.CreateDefaultConfig().(*tokenledgerprocessor.Config)
		cfg.MaxStale = maxStale
		cfg.Cardinality.MaxStreams = max(cfg.Cardinality.MaxStreams, 2*streams)
		return factory, cfg, nil
	case contrib:
		factory := deltatocumulativeprocessor.NewFactory()
		cfg := factory.CreateDefaultConfig().(*deltatocumulativeprocessor.Config)
		cfg.MaxStale = maxStale
		return factory, cfg, nil
	}
	return nil, nil, fmt.Errorf("no processor is called %q", name)
}
