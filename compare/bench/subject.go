package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstransformprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
)

// maxStale is set on both processors: none forgets streams during a run.
const maxStale = 24 * time.Hour

// stage is one processor of a subject, with the settings that differ from its defaults.
type stage struct {
	factory  processor.Factory
	settings map[string]any
}

// startSubject makes and starts a subject with a next consumer that does nothing. Self-telemetry goes to meters; nil
// is none, which favours contrib: it counts each point, token_ledger each request. A ledger goes to the directory.
func startSubject(name string, c PopulateCase, directory string, meters metric.MeterProvider) (processor.Metrics, error) {
	stages, err := stagesOf(name, c, directory)
	if err != nil {
		return nil, err
	}
	if meters == nil {
		meters = noop.NewMeterProvider()
	}
	all := chain{}
	next := consumer.Metrics(consumertest.NewNop())
	for i := len(stages) - 1; i >= 0; i-- {
		p, err := stages[i].create(next, meters)
		if err != nil {
			return nil, err
		}
		all = append(chain{p}, all...)
		next = p
	}
	if len(all) == 1 {
		return all[0], all[0].Start(context.Background(), componenttest.NewNopHost())
	}
	return all, all.Start(context.Background(), componenttest.NewNopHost())
}

// stagesOf leaves everything at its defaults but for what a shape and a number of streams need.
func stagesOf(name string, c PopulateCase, directory string) ([]stage, error) {
	shape, streams := c.Shape, c.Streams
	switch name {
	case ours:
		settings := map[string]any{"max_stale": maxStale.String()}
		cardinality := map[string]any{"max_streams": max(1_000_000, 2*streams)}
		if shape != plain {
			settings["identity"] = "prometheus"
		}
		if shape == trimmed {
			settings["max_lag"] = "0s"       // the windows begin before the processor does, see walk.go,
			settings["emit_interval"] = "0s" // and no total may go out again at a later time
			cardinality["rules"] = []any{map[string]any{"metrics": []any{metricName}, "keep": keptAttributes}}
		}
		settings["cardinality"] = cardinality
		if c.Priced {
			settings["pricing"] = map[string]any{"source": "metrics"}
		}
		if c.Ledger != "" {
			mode, bare := strings.CutSuffix(c.Ledger, withoutUsage)
			settings["storage"] = map[string]any{"directory": directory, "sync": mode, "usage": !bare}
		}
		return []stage{{tokenledgerprocessor.NewFactory(), settings}}, nil
	case contrib:
		accumulate := stage{deltatocumulativeprocessor.NewFactory(), map[string]any{"max_stale": maxStale.String()}}
		if shape == trimmed {
			return []stage{deletion(), aggregation(), accumulate}, nil
		}
		return []stage{accumulate}, nil
	}
	return nil, fmt.Errorf("no processor is called %q", name)
}

// deletion is contrib's first step of trimming: the attributes go, and streams become equal.
func deletion() stage {
	var actions []any
	for _, key := range droppedAttributes {
		actions = append(actions, map[string]any{"key": key, "action": "delete"})
	}
	return stage{attributesprocessor.NewFactory(), map[string]any{"actions": actions}}
}

// aggregation is its second step: equal points of one request and one window are added up.
func aggregation() stage {
	return stage{metricstransformprocessor.NewFactory(), map[string]any{"transforms": []any{map[string]any{
		"include": metricName,
		"action":  "update",
		"operations": []any{map[string]any{
			"action": "aggregate_labels", "label_set": keptAttributes, "aggregation_type": "sum",
		}},
	}}}}
}

func (s stage) create(next consumer.Metrics, meters metric.MeterProvider) (processor.Metrics, error) {
	cfg := s.factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(s.settings).Unmarshal(cfg); err != nil {
		return nil, err
	}
	settings := processortest.NewNopSettings(s.factory.Type())
	settings.MeterProvider = meters
	return s.factory.CreateMetrics(context.Background(), settings, cfg, next)
}

// chain is several processors, the first of which gets the requests.
type chain []processor.Metrics

func (c chain) Start(ctx context.Context, host component.Host) error {
	var errs error
	for _, p := range c {
		errs = errors.Join(errs, p.Start(ctx, host))
	}
	return errs
}

func (c chain) Shutdown(ctx context.Context) error {
	var errs error
	for _, p := range c {
		errs = errors.Join(errs, p.Shutdown(ctx))
	}
	return errs
}

func (c chain) Capabilities() consumer.Capabilities { return c[0].Capabilities() }

func (c chain) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	return c[0].ConsumeMetrics(ctx, md)
}
