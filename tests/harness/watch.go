package harness

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// Watch keeps what a reader saw last of each series, and what broke the promises of totals: a total that falls, a start
// that changes, a time that comes twice. It reads pages, and it is an OTLP/HTTP server. Unlike a Sink it may get half
// requests, of a collector that was killed, and unlike a Tally it knows no reset: nothing excuses a total that falls.
type Watch struct {
	*httptest.Server
	mu     sync.Mutex
	last   Shown
	times  map[string]pcommon.Timestamp
	faults []string
}

// StartWatch starts a watch for the test. The promises that were broken fail the test at its end.
func StartWatch(tb testing.TB) *Watch {
	tb.Helper()
	w := &Watch{last: NewShown(), times: map[string]pcommon.Timestamp{}}
	w.Server = httptest.NewServer(http.HandlerFunc(w.receive))
	tb.Cleanup(func() {
		w.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, fault := range w.faults[:min(len(w.faults), 10)] {
			tb.Error(fault)
		}
	})
	return w
}

// Last is what was seen last of each series.
func (w *Watch) Last() Shown {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Shown{maps.Clone(w.last.Totals), maps.Clone(w.last.Starts)}
}

// See takes in a page that was read after those before. Series may be missing: a collector that has just started shows
// its totals at its first tick.
func (w *Watch) See(page Shown) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, total := range page.Totals {
		w.note(key, total, page.Starts[key], true)
	}
}

// note compares with what was seen before; later says that it is at least as new.
func (w *Watch) note(key string, total float64, start time.Time, later bool) {
	before, known := w.last.Totals[key]
	if known && later && total < before {
		w.fault("the total falls from %v to %v in %s", before, total, key)
	}
	if known && !later && total > before {
		w.fault("an older total, %v, is greater than a newer one, %v, in %s", total, before, key)
	}
	if known && !w.last.Starts[key].Equal(start) {
		w.fault("the start moves from %v to %v in %s", w.last.Starts[key], start, key)
	}
	if !known || later {
		w.last.Totals[key], w.last.Starts[key] = total, start
	}
}

func (w *Watch) fault(format string, arguments ...any) {
	if len(w.faults) < 100 {
		w.faults = append(w.faults, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, arguments...))
	}
}

func (w *Watch) receive(answer http.ResponseWriter, r *http.Request) {
	request := pmetricotlp.NewExportRequest()
	body, err := readBody(r)
	if err == nil {
		err = request.UnmarshalProto(body)
	}
	if err != nil { // half a request
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rm := range request.Metrics().ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if ofClients(capture.Sanitised(m.Name())) {
					w.take(m)
				}
			}
		}
	}
	answer.Header().Set("Content-Type", "application/x-protobuf")
}

func (w *Watch) take(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		w.cumulative(m.Name(), m.Sum().AggregationTemporality())
		for _, p := range m.Sum().DataPoints().All() {
			total := p.DoubleValue()
			if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
				total = float64(p.IntValue())
			}
			w.point(p, map[string]float64{capture.Key(m.Name(), labels(p)): total})
		}
	case pmetric.MetricTypeHistogram:
		w.cumulative(m.Name(), m.Histogram().AggregationTemporality())
		for _, p := range m.Histogram().DataPoints().All() {
			w.point(p, ExplicitEntries(m.Name(), p))
		}
	case pmetric.MetricTypeExponentialHistogram:
		w.cumulative(m.Name(), m.ExponentialHistogram().AggregationTemporality())
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			w.point(p, ExponentialEntries(m.Name(), p))
		}
	default:
		w.fault("%s is a %v", m.Name(), m.Type())
	}
}

func (w *Watch) cumulative(name string, temporality pmetric.AggregationTemporality) {
	if temporality != pmetric.AggregationTemporalityCumulative {
		w.fault("%s is %v", name, temporality)
	}
}

// timed is what points of all kinds have in common.
type timed interface {
	Attributes() pcommon.Map
	StartTimestamp() pcommon.Timestamp
	Timestamp() pcommon.Timestamp
}

// point takes in the entries of one point. Requests of different senders may overtake each other, so an older point is
// compared the other way round; but no time comes twice (D4).
func (w *Watch) point(p timed, entries map[string]float64) {
	for key, total := range entries {
		before := w.times[key]
		if before.AsTime().UnixMilli() == p.Timestamp().AsTime().UnixMilli() {
			w.fault("the time %v comes twice in %s", p.Timestamp().AsTime(), key)
		}
		w.note(key, total, p.StartTimestamp().AsTime(), p.Timestamp() >= before)
		w.times[key] = max(before, p.Timestamp())
	}
}

func labels(p timed) map[string]string {
	out := map[string]string{}
	for name, value := range p.Attributes().All() {
		out[name] = value.AsString()
	}
	return out
}

// ExplicitEntries writes a point of a histogram with explicit bounds as Shown has it.
func ExplicitEntries(metric string, p pmetric.HistogramDataPoint) map[string]float64 {
	out := map[string]float64{
		CountKey(metric, labels(p)): float64(p.Count()),
		SumKey(metric, labels(p)):   p.Sum(),
	}
	below := uint64(0)
	for i, bound := range p.ExplicitBounds().All() {
		below += p.BucketCounts().At(i)
		out[BucketKey(metric, labels(p), bound)] = float64(below)
	}
	return out
}

// ExponentialEntries writes a point of a histogram with exponential buckets as Shown has it. Buckets that hold nothing
// are left out.
func ExponentialEntries(metric string, p pmetric.ExponentialHistogramDataPoint) map[string]float64 {
	out := map[string]float64{
		CountKey(metric, labels(p)): float64(p.Count()),
		SumKey(metric, labels(p)):   p.Sum(),
	}
	for i, count := range p.Positive().BucketCounts().All() {
		if count != 0 {
			out[ExponentialKey(metric, labels(p), int(p.Positive().Offset())+i)] = float64(count)
		}
	}
	return out
}
