package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Prometheus is a running Prometheus server with an empty store.
type Prometheus struct {
	*Process
	port int
}

// StartPrometheus starts Debian's Prometheus with a configuration and further arguments and waits until it is ready.
func StartPrometheus(tb testing.TB, config string, arguments ...string) *Prometheus {
	tb.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		tb.Fatalf("this test needs Prometheus (Debian: apt-get install prometheus): %v", err)
	}
	dir := tb.TempDir()
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	for attempt := 1; ; attempt++ {
		p := &Prometheus{port: FreePort(tb)}
		p.Process = startProcess(tb, "prometheus", exec.Command(program, append([]string{
			"--config.file=" + file,
			"--storage.tsdb.path=" + filepath.Join(dir, "store", strconv.Itoa(attempt)),
			"--web.listen-address=" + address(p.port),
		}, arguments...)...))
		if p.becomesReady(tb) {
			return p
		}
		if attempt == 3 || !strings.Contains(p.Log(), "address already in use") {
			tb.Fatal("prometheus ended during its start")
		}
	}
}

func (p *Prometheus) becomesReady(tb testing.TB) bool {
	tb.Helper()
	p.expected.Store(true) // an end during the start is judged by the caller
	Eventually(tb, Patience, "start of prometheus", func() error {
		if !p.Running() {
			return nil
		}
		answer, err := http.Get(p.URL() + "/-/ready")
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return &StatusError{Code: answer.StatusCode}
		}
		return nil
	})
	running := p.Running()
	p.expected.Store(!running)
	return running
}

// WaitForTargets waits until the server has found its targets, which takes some seconds after the start; from then on
// each is scraped once per interval.
func (p *Prometheus) WaitForTargets(tb testing.TB, count int) {
	tb.Helper()
	Eventually(tb, Patience, "targets of prometheus", func() error {
		answer, err := http.Get(p.URL() + "/api/v1/targets?state=active")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		var body struct {
			Data struct{ ActiveTargets []json.RawMessage }
		}
		if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
			return err
		}
		if found := len(body.Data.ActiveTargets); found != count {
			return fmt.Errorf("%d of %d", found, count)
		}
		return nil
	})
}

// URL is where the server listens.
func (p *Prometheus) URL() string { return "http://" + address(p.port) }

// TimeSeries is a series with its samples in order of time.
type TimeSeries struct {
	Labels  map[string]string
	Samples []Sample
}

// Sample is one stored value. Time is in seconds since 1970, with milliseconds as decimals.
type Sample struct {
	Time  float64
	Value float64
}

// First is the oldest sample.
func (s TimeSeries) First() Sample { return s.Samples[0] }

// Last is the newest sample.
func (s TimeSeries) Last() Sample { return s.Samples[len(s.Samples)-1] }

// Selector writes an expression that selects just this series.
func (s TimeSeries) Selector() string {
	var matchers []string
	for name, value := range s.Labels {
		matchers = append(matchers, fmt.Sprintf("%s=%q", name, value))
	}
	slices.Sort(matchers)
	return "{" + strings.Join(matchers, ",") + "}"
}

// Query evaluates an expression at a time (seconds since 1970). A range selector such as `up[5m]` gives the stored
// samples.
func (p *Prometheus) Query(expression string, at float64) ([]TimeSeries, error) {
	query := url.Values{"query": {expression}, "time": {strconv.FormatFloat(at, 'f', 3, 64)}}
	answer, err := http.Get(p.URL() + "/api/v1/query?" + query.Encode())
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var body struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  *wireSample
				Values []wireSample
			}
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return nil, err
	}
	if body.Status != "success" {
		return nil, fmt.Errorf("query %s: %s", expression, body.Error)
	}
	var out []TimeSeries
	for _, result := range body.Data.Result {
		series := TimeSeries{Labels: result.Metric}
		if result.Value != nil {
			result.Values = append(result.Values, *result.Value)
		}
		for _, sample := range result.Values {
			series.Samples = append(series.Samples, Sample(sample))
		}
		out = append(out, series)
	}
	return out, nil
}

// Now is the present as Query takes it.
func Now() float64 { return float64(time.Now().UnixMilli()) / 1000 }

// wireSample is how the query interface writes a sample: [seconds, "value"].
type wireSample Sample

// UnmarshalJSON reads the pair.
func (s *wireSample) UnmarshalJSON(data []byte) error {
	var value string
	if err := json.Unmarshal(data, &[]any{&s.Time, &value}); err != nil {
		return err
	}
	number, err := strconv.ParseFloat(value, 64)
	s.Value = number
	return err
}

// LastSamples turns the last samples of all series into a page, as the exporter's page would be.
func LastSamples(series []TimeSeries) Page {
	var page Page
	for _, s := range series {
		labels := map[string]string{}
		for name, value := range s.Labels {
			if name != "__name__" {
				labels[name] = value
			}
		}
		page = append(page, Series{Name: s.Labels["__name__"], Labels: labels, Value: s.Last().Value})
	}
	return page
}
