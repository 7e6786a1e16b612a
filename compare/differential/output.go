package differential

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Output is one cumulative point that left a processor.
type Output struct {
	Start, Time uint64
	Value       Value
	Unrecorded  bool
	Exemplars   []int64
}

// same compares everything, values bit by bit.
func (o Output) same(other Output) bool {
	return o.Value.same(other.Value) && o.sameButValue(other)
}

func (o Output) sameButValue(other Output) bool {
	return o.Start == other.Start && o.Time == other.Time && o.Unrecorded == other.Unrecorded &&
		slices.Equal(o.Exemplars, other.Exemplars)
}

func (o Output) String() string {
	return fmt.Sprintf("%s over %s..%s unrecorded=%t exemplars=%v", o.Value, timeText(o.Start), timeText(o.Time), o.Unrecorded, o.Exemplars)
}

// timeText writes a time as seconds after begin.
func timeText(unixNano uint64) string {
	if unixNano == 0 {
		return "0"
	}
	return fmt.Sprintf("%.6fs", time.Duration(int64(unixNano)-begin.UnixNano()).Seconds())
}

// delivery is everything that left a processor at one moment.
type delivery struct {
	// refused deliveries reached nobody.
	refused bool
	// streams holds the points by stream, in the order in which they stood.
	streams map[string][]Output
	// extra names the metrics of other kinds.
	extra []string
	// hollow counts the resources without any metric.
	hollow int
}

// record is what left a processor, by the time since begin.
type record map[time.Duration]*delivery

// at returns the delivery of a moment, which it makes if there is none.
func (r record) at(moment time.Duration) *delivery {
	if r[moment] == nil {
		r[moment] = &delivery{streams: map[string][]Output{}}
	}
	return r[moment]
}

// errRefused is what the next consumer says to refused requests.
var errRefused = errors.New("refused on purpose")

// recorder is the next consumer of a processor under test.
type recorder struct {
	mu     sync.Mutex
	record record
	refuse bool
}

var _ consumer.Metrics = (*recorder)(nil)

func newRecorder() *recorder { return &recorder{record: record{}} }

func (*recorder) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (r *recorder) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.record.at(time.Since(begin))
	d.add(md)
	d.refused = r.refuse
	if r.refuse {
		return errRefused
	}
	return nil
}

// refuseAll lets the next consumer refuse everything, or nothing any more.
func (r *recorder) refuseAll(refuse bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = refuse
}

func (d *delivery) add(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		if rm.ScopeMetrics().Len() == 0 {
			d.hollow++
		}
		host := ""
		if name, ok := rm.Resource().Attributes().Get("host.name"); ok {
			host = name.Str()
		}
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				d.addMetric(host, sm.Scope().Name(), metric)
			}
		}
	}
}

func (d *delivery) addMetric(host, scope string, metric pmetric.Metric) {
	if host == "" { // appendExtra's, without a host
		d.extra = append(d.extra, describe(metric))
		return
	}
	monotonic, kind, temporality := true, notHistogram, pmetric.AggregationTemporalityUnspecified
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		kind, temporality = explicitHistogram, metric.Histogram().AggregationTemporality()
	case pmetric.MetricTypeExponentialHistogram:
		kind, temporality = exponentialHistogram, metric.ExponentialHistogram().AggregationTemporality()
	default:
		monotonic, temporality = metric.Sum().IsMonotonic(), metric.Sum().AggregationTemporality()
	}
	path := pathKey(host, scope, metric.Name(), metric.Unit(), monotonic, kind)
	if temporality != pmetric.AggregationTemporalityCumulative {
		path += "still " + temporality.String()
	}
	add := func(point dataPoint, value Value) {
		key := path + attributesKey(point.Attributes())
		d.streams[key] = append(d.streams[key], outputOf(point, value))
	}
	switch kind {
	case explicitHistogram:
		for _, point := range metric.Histogram().DataPoints().All() {
			add(point, explicitOf(point))
		}
	case exponentialHistogram:
		for _, point := range metric.ExponentialHistogram().DataPoints().All() {
			add(point, exponentialOf(point))
		}
	default:
		for _, point := range metric.Sum().DataPoints().All() {
			add(point, valueOf(point))
		}
	}
}

func outputOf(point dataPoint, value Value) Output {
	output := Output{
		Start:      uint64(point.StartTimestamp()),
		Time:       uint64(point.Timestamp()),
		Value:      value,
		Unrecorded: point.Flags().NoRecordedValue(),
	}
	for _, exemplar := range point.Exemplars().All() {
		output.Exemplars = append(output.Exemplars, exemplar.IntValue())
	}
	return output
}

// describe writes a metric that nobody should have touched.
func describe(metric pmetric.Metric) string {
	md := pmetric.NewMetrics()
	metric.CopyTo(md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
	text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
