package harness

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// Shown is what a reader sees at one moment, of sums and of both kinds of histograms. A histogram has one entry for
// its count, its sum and each bucket: [CountKey], [SumKey], [BucketKey], [ExponentialKey].
type Shown struct {
	Totals capture.Totals
	// Starts are when the series say they began.
	Starts map[string]time.Time
}

// NewShown is nothing yet.
func NewShown() Shown { return Shown{capture.Totals{}, map[string]time.Time{}} }

// FetchShown reads the client's and the tests' series of a page of the prometheus exporter in one go.
func FetchShown(url string) (Shown, error) {
	out := NewShown()
	request, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return out, err
	}
	// The protobuf format has what the text format lacks: exponential buckets, and when a series began.
	request.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return out, &StatusError{Code: answer.StatusCode}
	}
	decoder := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header))
	for {
		var family dto.MetricFamily
		if err := decoder.Decode(&family); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, fmt.Errorf("reading %s: %w", url, err)
		}
		if !ofClients(family.GetName()) {
			continue
		}
		for _, metric := range family.GetMetric() {
			if err := out.addPage(family.GetName(), metric); err != nil {
				return out, err
			}
		}
	}
}

// ofClients leaves out what exporters add by themselves, such as target_info.
func ofClients(name string) bool {
	return strings.HasPrefix(name, "claude_code") || strings.HasPrefix(name, "agent")
}

func (s Shown) addPage(name string, metric *dto.Metric) error {
	labels := map[string]string{}
	for _, label := range metric.GetLabel() {
		labels[label.GetName()] = label.GetValue()
	}
	labels = pointLabels(labels)
	if metric.Histogram == nil {
		total, simple := valueOf(metric)
		if !simple {
			return fmt.Errorf("%s is neither a sum nor a histogram", name)
		}
		return s.Put(capture.Key(withoutUnit(name), labels), total, metric.GetCounter().GetCreatedTimestamp().AsTime())
	}
	histogram := histogramOf(name, metric)
	begun := metric.GetHistogram().GetCreatedTimestamp().AsTime()
	err := errors.Join(
		s.Put(CountKey(name, labels), float64(histogram.Count), begun),
		s.Put(SumKey(name, labels), histogram.Sum, begun))
	for bound, count := range histogram.Buckets {
		if bound < 1e300 { // the last bucket, infinity, is the count
			err = errors.Join(err, s.Put(BucketKey(name, labels, bound), float64(count), begun))
		}
	}
	for bucket, count := range histogram.Positive {
		if count != 0 {
			err = errors.Join(err, s.Put(ExponentialKey(name, labels, bucket), float64(count), begun))
		}
	}
	return err
}

// Put adds a series. Two series of the same point labels are an error: somebody would add them up.
func (s Shown) Put(key string, total float64, begun time.Time) error {
	if _, twice := s.Totals[key]; twice {
		return fmt.Errorf("two series differ in labels of scope or resource only: %s", key)
	}
	s.Totals[key], s.Starts[key] = total, begun
	return nil
}

// CountKey is the entry of a histogram's count.
func CountKey(metric string, labels map[string]string) string {
	return capture.Key(metric+"_count", labels)
}

// SumKey is the entry of a histogram's sum.
func SumKey(metric string, labels map[string]string) string {
	return capture.Key(metric+"_sum", labels)
}

// BucketKey is the entry of how many observations were at or below a bound.
func BucketKey(metric string, labels map[string]string, bound float64) string {
	return capture.Key(metric+"_bucket", with(labels, "le", strconv.FormatFloat(bound, 'g', -1, 64)))
}

// ExponentialKey is the entry of one exponential bucket, numbered as in OTLP; the scale is that of the source.
func ExponentialKey(metric string, labels map[string]string, bucket int) string {
	return capture.Key(metric+"_bucket", with(labels, "number", strconv.Itoa(bucket)))
}

func with(labels map[string]string, name, value string) map[string]string {
	out := maps.Clone(labels)
	out[name] = value
	return out
}
