package differential

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// begin is the moment at which the clock of testing/synctest stands at first, and so the start of both processors.
var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// tickEvery is how often token_ledger looks for held totals (D4).
const tickEvery = time.Second

// Scenario is what one pair of processors goes through.
type Scenario struct {
	// Name tells the scenario apart in messages.
	Name string
	// MaxLag is token_ledger's max_lag (D4); 0 is unlimited. Contrib has no such setting.
	MaxLag time.Duration
	// MaxStale and MaxStreams are set on both processors.
	MaxStale   time.Duration
	MaxStreams int
	// Requests in the order of their arrival.
	Requests []Request
	// Rest is the time between the last request and the shutdown of both processors.
	Rest time.Duration
}

// Request is one call of ConsumeMetrics.
type Request struct {
	// At is the arrival, counted from begin. Never a whole second: those belong to ticks.
	At time.Duration
	// Windows in the order in which they stand in the request.
	Windows []Window
	// Scattered puts each window under a resource entry of its own; otherwise entries are shared.
	Scattered bool
	// Refused means that the next consumer refuses whatever comes out of this request.
	Refused bool
	// Extra metrics stand beside the windows and are none of either processor's business.
	Extra bool
	// Hollow adds a resource without any metric.
	Hollow bool
}

// Window is one delta point. Times are Unix nanoseconds, 0 is unknown.
type Window struct {
	Stream      *Stream
	Start, Time uint64
	Value       Value
	// Unrecorded sets the flag NO_RECORDED_VALUE.
	Unrecorded bool
	// Exemplar is the value of the point's only exemplar, 0 for none.
	Exemplar int64
}

// Stream is what one client sends under one identity.
type Stream struct {
	Host       string
	Scope      string
	Metric     string
	Unit       string
	Monotonic  bool
	Histogram  histogramKind
	Attributes []Attribute
}

// histogramKind is what a stream's points are. Histograms are monotonic always.
type histogramKind int

const (
	notHistogram histogramKind = iota
	explicitHistogram
	exponentialHistogram
)

var histogramNames = [...]string{"sum", "explicit histogram", "exponential histogram"}

func (k histogramKind) String() string { return histogramNames[k] }

// Attribute is a point attribute; Value is a string, an int64 or a bool.
type Attribute struct {
	Key   string
	Value any
}

// key names the stream in outputs of either processor: see outputsOf.
func (s *Stream) key() string {
	attributes := pcommon.NewMap()
	s.putAttributes(attributes)
	return s.path() + attributesKey(attributes)
}

// overflowKey names the stream that takes in what has no room of its own in the metric of s (T5).
func (s *Stream) overflowKey() string {
	attributes := pcommon.NewMap()
	attributes.PutBool("otel.metric.overflow", true)
	return s.path() + attributesKey(attributes)
}

// path names the metric of the stream with everything above it.
func (s *Stream) path() string {
	return pathKey(s.Host, s.Scope, s.Metric, s.Unit, s.Monotonic, s.Histogram)
}

func pathKey(host, scope, metric, unit string, monotonic bool, kind histogramKind) string {
	return fmt.Sprintf("%s/%s/%s[%s]%s monotonic=%t", host, scope, metric, unit, kind, monotonic)
}

// attributesKey writes attributes in one order, with their types: "1" is not 1.
func attributesKey(attributes pcommon.Map) string {
	parts := make([]string, 0, attributes.Len())
	for key, value := range attributes.All() {
		parts = append(parts, fmt.Sprintf("%s=%s:%s", key, value.Type(), value.AsString()))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}"
}

func (s *Stream) putAttributes(to pcommon.Map) {
	for _, attribute := range s.Attributes {
		switch value := attribute.Value.(type) {
		case string:
			to.PutStr(attribute.Key, value)
		case int64:
			to.PutInt(attribute.Key, value)
		case bool:
			to.PutBool(attribute.Key, value)
		}
	}
}

// metrics builds the request as a receiver would hand it over.
func (r *Request) metrics() pmetric.Metrics {
	md := pmetric.NewMetrics()
	shared := map[string]pmetric.Metric{}
	for i := range r.Windows {
		w := &r.Windows[i]
		metric, ok := shared[w.Stream.path()]
		if !ok || r.Scattered {
			metric = appendMetric(md, w.Stream)
			shared[w.Stream.path()] = metric
		}
		w.put(metric)
	}
	if r.Hollow {
		md.ResourceMetrics().AppendEmpty().Resource().Attributes().PutStr("host.name", "hollow")
	}
	if r.Extra {
		appendExtra(md)
	}
	return md
}

func appendMetric(md pmetric.Metrics, s *Stream) pmetric.Metric {
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("host.name", s.Host)
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(s.Scope)
	metric := sm.Metrics().AppendEmpty()
	metric.SetName(s.Metric)
	metric.SetUnit(s.Unit)
	switch s.Histogram {
	case explicitHistogram:
		metric.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	case exponentialHistogram:
		metric.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	default:
		sum := metric.SetEmptySum()
		sum.SetIsMonotonic(s.Monotonic)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	}
	return metric
}

// dataPoint is what points of all kinds have in common.
type dataPoint interface {
	Attributes() pcommon.Map
	StartTimestamp() pcommon.Timestamp
	SetStartTimestamp(pcommon.Timestamp)
	Timestamp() pcommon.Timestamp
	SetTimestamp(pcommon.Timestamp)
	Flags() pmetric.DataPointFlags
	SetFlags(pmetric.DataPointFlags)
	Exemplars() pmetric.ExemplarSlice
}

func (w *Window) put(metric pmetric.Metric) {
	var point dataPoint
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		p := metric.Histogram().DataPoints().AppendEmpty()
		if w.Value.isDistribution() {
			w.Value.Distribution.putExplicit(p)
		}
		point = p
	case pmetric.MetricTypeExponentialHistogram:
		p := metric.ExponentialHistogram().DataPoints().AppendEmpty()
		if w.Value.isDistribution() {
			w.Value.Distribution.putExponential(p)
		}
		point = p
	default:
		p := metric.Sum().DataPoints().AppendEmpty()
		w.Value.put(p)
		point = p
	}
	w.Stream.putAttributes(point.Attributes())
	point.SetStartTimestamp(pcommon.Timestamp(w.Start))
	point.SetTimestamp(pcommon.Timestamp(w.Time))
	point.SetFlags(point.Flags().WithNoRecordedValue(w.Unrecorded))
	if w.Exemplar != 0 {
		point.Exemplars().AppendEmpty().SetIntValue(w.Exemplar)
	}
}

// appendExtra adds one metric of each kind that both processors leave alone.
func appendExtra(md pmetric.Metrics) {
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	gauge := metrics.AppendEmpty()
	gauge.SetName("gauge")
	gauge.SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(3)
	summary := metrics.AppendEmpty()
	summary.SetName("summary")
	summary.SetEmptySummary().DataPoints().AppendEmpty().SetCount(4)
	cumulative := metrics.AppendEmpty()
	cumulative.SetName("cumulative")
	sum := cumulative.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	sum.DataPoints().AppendEmpty().SetIntValue(5)
	unspecified := metrics.AppendEmpty()
	unspecified.SetName("unspecified")
	unspecified.SetEmptySum().DataPoints().AppendEmpty().SetDoubleValue(0.5)
}
