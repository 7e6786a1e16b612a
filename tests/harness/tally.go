package harness

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// Tally is an OTLP/HTTP server that keeps of each series only what a Prometheus reader would make of it: a flood's
// requests need not fit into memory.
type Tally struct {
	*httptest.Server
	mu     sync.Mutex
	series map[string]*tallied
	faults []string
}

// tallied is one series so far.
type tallied struct {
	metric   string
	overflow bool
	start    pcommon.Timestamp
	time     pcommon.Timestamp
	value    float64 // of the present life
	before   float64 // of the lives before, which ended with a reset
	resets   int
}

// StartTally starts a tally for the test. What breaks the promises of cumulative series fails the test at its end.
func StartTally(tb testing.TB) *Tally {
	tb.Helper()
	tally := &Tally{series: map[string]*tallied{}}
	tally.Server = httptest.NewServer(http.HandlerFunc(tally.receive))
	tb.Cleanup(func() {
		tally.Close()
		for _, fault := range tally.faults[:min(len(tally.faults), 10)] {
			tb.Error(fault)
		}
	})
	return tally
}

// Sum is the sum over all series of a metric, with how many of them there are.
func (t *Tally) Sum(metric string) (sum float64, series int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.series {
		if s.metric == metric {
			sum += s.before + s.value
			series++
		}
	}
	return sum, series
}

// Overflow is the part of Sum in series marked as overflow.
func (t *Tally) Overflow(metric string) (sum float64, series int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.series {
		if s.metric == metric && s.overflow {
			sum += s.before + s.value
			series++
		}
	}
	return sum, series
}

// Series is the total of one series, found by the value of one of its attributes, and how often it was reset. There may
// be one such series at most.
func (t *Tally) Series(metric, attribute, value string) (sum float64, resets int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := 0
	for key, s := range t.series {
		if s.metric == metric && strings.Contains(key, separator+attribute+"="+value+separator) {
			sum, resets = s.before+s.value, s.resets
			found++
		}
	}
	if found != 1 {
		return 0, 0, fmt.Errorf("%d series of %s with %s=%s", found, metric, attribute, value)
	}
	return sum, resets, nil
}

func (t *Tally) receive(w http.ResponseWriter, r *http.Request) {
	request := pmetricotlp.NewExportRequest()
	body, err := readBody(r)
	if err == nil {
		err = request.UnmarshalProto(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, rm := range request.Metrics().ResourceMetrics().All() {
		job := labelsOf(rm.Resource().Attributes(), "service.name", "service.namespace", "service.instance.id")
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if capture.IsComputed(m.Name()) {
					continue // a difference may fall, and some are no sums
				}
				for _, point := range m.Sum().DataPoints().All() {
					t.take(job, m, point)
				}
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// separator stands between the labels of a key.
const separator = "\x00"

func (t *Tally) take(job string, m pmetric.Metric, point pmetric.NumberDataPoint) {
	key := m.Name() + separator + job + labelsOf(point.Attributes())
	s := t.series[key]
	if s == nil {
		_, overflow := point.Attributes().Get("otel.metric.overflow")
		s = &tallied{metric: m.Name(), overflow: overflow, start: point.StartTimestamp()}
		t.series[key] = s
	}
	fault := func(format string, arguments ...any) {
		if len(t.faults) < 100 {
			t.faults = append(t.faults, fmt.Sprintf(format, arguments...)+" in "+strings.ReplaceAll(key[:min(len(key), 300)], separator, " "))
		}
	}
	if point.Timestamp() < s.time {
		return // requests of different senders may overtake each other; exporters keep the latest, too
	}
	if m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
		fault("%v", m.Sum().AggregationTemporality())
	}
	current := point.DoubleValue()
	if point.ValueType() == pmetric.NumberDataPointValueTypeInt {
		current = float64(point.IntValue())
	}
	if current < s.value {
		s.before += s.value
		s.resets++
		if point.StartTimestamp() == s.start {
			fault("the total falls from %v to %v with the same start", s.value, current)
		}
	}
	s.start, s.time, s.value = point.StartTimestamp(), point.Timestamp(), current
}

// labelsOf writes attributes sorted, all or those wanted.
func labelsOf(attributes pcommon.Map, wanted ...string) string {
	var pairs []string
	for name, value := range attributes.All() {
		if len(wanted) == 0 || slices.Contains(wanted, name) {
			text := value.AsString()
			if len(text) > 256 { // floods have many series with long values
				text = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
			}
			pairs = append(pairs, name+"="+text)
		}
	}
	slices.Sort(pairs)
	return separator + strings.Join(pairs, separator) + separator
}
