package harness

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// Page is what a Prometheus page shows.
type Page []Series

// Series is one line of a page.
type Series struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// FetchPage reads a page in the Prometheus text format. Histograms and summaries are left out.
func FetchPage(url string) (Page, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return nil, &StatusError{answer.StatusCode, string(text)}
	}
	return ParsePage(answer.Body)
}

// longestLine is the length of a line of a page, in bytes, above which ParsePage passes it over. Only hostile input
// makes such lines, and the parser's time grows with the square of the number of labels.
const longestLine = 32 << 10

// ParsePage reads counters, gauges and untyped values.
func ParsePage(text io.Reader) (Page, error) {
	all, err := io.ReadAll(text)
	if err != nil {
		return nil, err
	}
	var short bytes.Buffer
	for line := range bytes.Lines(all) {
		if len(line) <= longestLine {
			short.Write(line)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&short)
	if err != nil {
		return nil, err
	}
	var page Page
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			value, simple := valueOf(metric)
			if !simple {
				continue
			}
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			page = append(page, Series{name, labels, value})
		}
	}
	return page, nil
}

func valueOf(metric *dto.Metric) (float64, bool) {
	switch {
	case metric.Counter != nil:
		return metric.GetCounter().GetValue(), true
	case metric.Gauge != nil:
		return metric.GetGauge().GetValue(), true
	case metric.Untyped != nil:
		return metric.GetUntyped().GetValue(), true
	}
	return 0, false
}

// Find returns the series whose name begins with the prefix and that have all the labels given as name, value, …
func (p Page) Find(prefix string, labels ...string) []Series {
	var out []Series
	for _, series := range p {
		if strings.HasPrefix(series.Name, prefix) && series.has(labels) {
			out = append(out, series)
		}
	}
	return out
}

// Sum adds up what Find finds.
func (p Page) Sum(prefix string, labels ...string) float64 {
	var sum float64
	for _, series := range p.Find(prefix, labels...) {
		sum += series.Value
	}
	return sum
}

func (s Series) has(labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		if s.Labels[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}

// Totals writes the client's series of a page as capture.Totals, for the sessions wanted, with the labels of points
// only. Two series of the same point labels are an error: somebody would add them up.
func (p Page) Totals(sessions []capture.Session) (capture.Totals, error) {
	wanted := map[string]bool{}
	for _, session := range sessions {
		wanted[session.ID] = true
	}
	return p.totals(func(series Series) bool { return wanted[series.Labels["session_id"]] })
}

// TotalsWith is Totals for the client's series that have all the labels given as name, value, …
func (p Page) TotalsWith(labels ...string) (capture.Totals, error) {
	return p.totals(func(series Series) bool { return strings.HasPrefix(series.Name, "claude_code_") && series.has(labels) })
}

func (p Page) totals(wanted func(Series) bool) (capture.Totals, error) {
	out := capture.Totals{}
	for _, series := range p {
		if !wanted(series) || capture.IsComputed(series.Name) {
			continue
		}
		key := capture.Key(withoutUnit(series.Name), pointLabels(series.Labels))
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("two series differ in labels of scope or resource only: %s", key)
		}
		out[key] = series.Value
	}
	return out, nil
}

// unitSuffixes are what exporters append to the names of counters, longest first.
var unitSuffixes = []string{"_seconds_total", "_tokens_total", "_USD_total", "_total"}

func withoutUnit(name string) string {
	for _, suffix := range unitSuffixes {
		if stem, found := strings.CutSuffix(name, suffix); found {
			return stem
		}
	}
	return name
}

// notOfPoints are labels that come from the resource of the captures or from whoever exports or scrapes.
var notOfPoints = map[string]bool{
	"host_arch": true, "os_type": true, "os_version": true, "service_version": true,
	"job": true, "instance": true, "exported_job": true,
}

func pointLabels(labels map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range labels {
		if !notOfPoints[name] && !strings.HasPrefix(name, "otel_scope_") {
			out[name] = value
		}
	}
	return out
}

// Page reads the page of the prometheus exporter.
func (c *Collector) Page(tb testing.TB) Page {
	tb.Helper()
	return c.fetch(tb, c.PageURL())
}

// SelfMetrics reads the collector's own metrics.
func (c *Collector) SelfMetrics(tb testing.TB) Page {
	tb.Helper()
	return c.fetch(tb, c.SelfMetricsURL())
}

func (c *Collector) fetch(tb testing.TB, url string) Page {
	tb.Helper()
	var page Page
	Eventually(tb, Patience, "reading "+url, func() (err error) {
		if !c.Running() {
			tb.Fatalf("%s has ended", c.name)
		}
		page, err = FetchPage(url)
		return err
	})
	return page
}
