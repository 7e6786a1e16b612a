package harness

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Histogram is a histogram of a page.
type Histogram struct {
	Name   string
	Labels map[string]string
	Count  uint64
	Sum    float64
	// Buckets are the counts at or below each bound, for explicit bounds; the last bound, infinity, is Count.
	Buckets map[float64]uint64
	// Schema, Zeros and Positive are those of exponential buckets; bucket i is numbered as in OTLP.
	Schema   int32
	Zeros    uint64
	Positive map[int]uint64
}

// FetchHistograms reads the histograms of a page. It asks for protobuf, as Prometheus does: the text format has no
// exponential buckets.
func FetchHistograms(url string) ([]Histogram, error) {
	request, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, &StatusError{Code: answer.StatusCode}
	}
	decoder := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header))
	var out []Histogram
	for {
		var family dto.MetricFamily
		if err := decoder.Decode(&family); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading %s: %w", url, err)
		}
		for _, metric := range family.GetMetric() {
			if metric.Histogram != nil {
				out = append(out, histogramOf(family.GetName(), metric))
			}
		}
	}
}

func histogramOf(name string, metric *dto.Metric) Histogram {
	wire := metric.GetHistogram()
	out := Histogram{
		Name: name, Labels: map[string]string{}, Count: wire.GetSampleCount(), Sum: wire.GetSampleSum(),
		Buckets: map[float64]uint64{}, Schema: wire.GetSchema(), Zeros: wire.GetZeroCount(), Positive: map[int]uint64{},
	}
	for _, label := range metric.GetLabel() {
		out.Labels[label.GetName()] = label.GetValue()
	}
	for _, bucket := range wire.GetBucket() {
		out.Buckets[bucket.GetUpperBound()] = bucket.GetCumulativeCount()
	}
	bucket, count, deltas := 0, int64(0), wire.GetPositiveDelta()
	for _, span := range wire.GetPositiveSpan() {
		bucket += int(span.GetOffset())
		for range span.GetLength() {
			count += deltas[0]
			deltas = deltas[1:]
			if count > 0 {
				out.Positive[bucket-1] = uint64(count) // Prometheus numbers buckets by their upper bound
			}
			bucket++
		}
	}
	return out
}

// Histograms reads the histograms of the prometheus exporter's page that have all the labels given as name, value, …
func (c *Collector) Histograms(tb testing.TB, labels ...string) []Histogram {
	tb.Helper()
	var all []Histogram
	Eventually(tb, Patience, "reading histograms of "+c.PageURL(), func() (err error) {
		all, err = FetchHistograms(c.PageURL())
		return err
	})
	var out []Histogram
	for _, h := range all {
		if (Series{Labels: h.Labels}).has(labels) {
			out = append(out, h)
		}
	}
	return out
}
