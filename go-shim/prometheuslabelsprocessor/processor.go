// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"context"
	"runtime"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
)

// labelsProcessor settles the labels of requests. It may be called from several goroutines at once; what it knows of
// names is kept by workers, each of which serves one request at a time.
type labelsProcessor struct {
	cfg   *Config
	namer *namer
	tel   *telemetry
	idle  chan *worker
}

func newProcessor(set processor.Settings, cfg *Config) (*labelsProcessor, error) {
	namer, err := newNamer(cfg.TranslationStrategy)
	if err != nil {
		return nil, err
	}
	tel, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	return &labelsProcessor{cfg: cfg, namer: namer, tel: tel, idle: make(chan *worker, runtime.GOMAXPROCS(0))}, nil
}

// process settles the labels of a request in place. It drops no point and returns no error.
func (p *labelsProcessor) process(ctx context.Context, md pmetric.Metrics) (pmetric.Metrics, error) {
	w := p.worker()
	for _, resource := range md.ResourceMetrics().All() {
		w.resource(resource)
	}
	p.tel.report(ctx, &w.settled)
	p.release(w)
	return md, nil
}

func (p *labelsProcessor) shutdown(context.Context) error {
	p.tel.builder.Shutdown()
	return nil
}

// worker returns one that nobody uses.
func (p *labelsProcessor) worker() *worker {
	select {
	case w := <-p.idle:
		return w
	default:
		return newWorker(p.cfg, p.namer)
	}
}

// release keeps a worker for the next request, unless there are enough, or a request has filled it with names.
func (p *labelsProcessor) release(w *worker) {
	if w.labels.full() {
		return
	}
	w.reset()
	select {
	case p.idle <- w:
	default:
	}
}

// worker settles the labels of one request at a time.
type worker struct {
	cfg       *Config
	labels    *labels
	constants []constant
	// le and quantile are labels that the exporter adds to histograms and summaries.
	le, quantile *label

	// Numbers of the point and of the scope at hand, for the marks on labels. They never go back.
	points, scopes uint64

	// promoted are the attributes of the resource at hand that its points get; hidden are names of attributes that its
	// points lose to it.
	promoted pcommon.Map
	hidden   []string
	// job and instance are what the exporter writes for the resource at hand.
	job, instance exporterLabel
	// above is what collided in resource and scope at hand: it concerns all their points.
	above kinds

	settled  [kindCount]int64
	settling settling
}

// constant is a const label.
type constant struct {
	key, value string
	label      *label
}

// newWorker makes a worker for a valid configuration.
func newWorker(cfg *Config, namer *namer) *worker {
	w := &worker{cfg: cfg, labels: newLabels(namer), promoted: pcommon.NewMap()}
	w.le, w.quantile = w.labels.of("le"), w.labels.of("quantile")
	for key, value := range cfg.ConstLabels {
		label := w.labels.of(key)
		label.constant = true
		w.constants = append(w.constants, constant{key: key, value: value, label: label})
	}
	return w
}

// reset lets go of the request that was at hand.
func (w *worker) reset() {
	w.promoted = pcommon.NewMap()
	w.job, w.instance = exporterLabel{}, exporterLabel{}
	w.settled = [kindCount]int64{}
	w.settling.begin(w, place{})
}

func (w *worker) resource(rm pmetric.ResourceMetrics) {
	ofResource := w.settleResource(rm.Resource().Attributes())
	for _, scope := range rm.ScopeMetrics().All() {
		w.above = ofResource
		w.settleScope(scope)
		for _, metric := range scope.Metrics().All() {
			w.metric(metric)
		}
	}
}

func (w *worker) metric(metric pmetric.Metric) {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		for _, point := range metric.Gauge().DataPoints().All() {
			w.settlePoint(point.Attributes(), nil)
		}
	case pmetric.MetricTypeSum:
		for _, point := range metric.Sum().DataPoints().All() {
			w.settlePoint(point.Attributes(), nil)
		}
	case pmetric.MetricTypeHistogram:
		for _, point := range metric.Histogram().DataPoints().All() {
			w.settlePoint(point.Attributes(), w.le)
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, point := range metric.ExponentialHistogram().DataPoints().All() {
			w.settlePoint(point.Attributes(), w.le) // as text the page shows a bucket of these as well
		}
	case pmetric.MetricTypeSummary:
		for _, point := range metric.Summary().DataPoints().All() {
			w.settlePoint(point.Attributes(), w.quantile)
		}
	case pmetric.MetricTypeEmpty:
	}
}
