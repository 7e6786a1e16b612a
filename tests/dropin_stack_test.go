package tests

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// stack is one of the known stacks at work in a box, with one of two collectors in it.
type stack struct {
	seed       seeds.Seed
	collector  *harness.Collector
	prometheus *harness.Prometheus
	victoria   *seeds.VictoriaLogs
	loki       *seeds.Loki
}

// stackHosts are the names by which the parts of the stacks call each other, and their ports where a stand-in serves.
var stackHosts = []string{"otel-collector", "prometheus", "loki", "victorialogs", "victoriametrics", "grafana"}

const (
	lokiPort         = 3100
	prometheusPort   = 9090
	victoriaLogsPort = 9428
)

// startStack starts Prometheus and a collector with a stack's configurations, both as they are, and the stores for logs.
func startStack(t *testing.T, seed seeds.Seed, binary string, environment map[string]string) *stack {
	t.Helper()
	box := harness.StartBox(t, stackHosts...)
	s := &stack{
		seed:     seed,
		loki:     seeds.StartLoki(t, box.Listen(t, lokiPort)),
		victoria: seeds.StartVictoriaLogs(t, box.Listen(t, victoriaLogsPort)),
	}
	startPrometheus := box.StartPrometheus
	if seed.Newest {
		startPrometheus = box.StartNewestPrometheus
	}
	s.prometheus = startPrometheus(t, seed.Prometheus, seed.PrometheusArguments...)
	s.collector = box.StartCollector(t, harness.BoxedSetup{
		Binary: binary, Arguments: []string{"--config", seed.Collector}, Env: environment,
	})
	s.prometheus.WaitForTargets(t, targets(t, seed.Prometheus))
	return s
}

// targets counts the targets of a configuration of Prometheus.
func targets(t *testing.T, file string) int {
	t.Helper()
	var config struct {
		Scrapes []struct {
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &config))
	count := 0
	for _, scrape := range config.Scrapes {
		for _, static := range scrape.Static {
			count += len(static.Targets)
		}
	}
	return count
}

// send sends a capture as the client would. A stack without a pipeline for a signal answers that it has none; that is what
// the client gets from stock collectors, too, and metrics are not to suffer from it.
func (s *stack) send(t *testing.T, c capture.Capture) {
	t.Helper()
	client := s.collector.Client(t, harness.HTTPProtobuf)
	for _, request := range c.Requests {
		err := client.Send(t.Context(), request)
		var status *harness.StatusError
		if !s.takes(request.Signal) && errors.As(err, &status) {
			assert.Equal(t, http.StatusNotFound, status.Code, "%s: %s", s.seed.Name, request.Signal)
			continue
		}
		assert.NoError(t, err, "%s: %s", s.seed.Name, request.Signal)
	}
}

func (s *stack) takes(signal capture.Signal) bool {
	switch signal {
	case capture.Logs:
		return s.seed.Logs
	case capture.Traces:
		return s.seed.Traces
	default:
		return true
	}
}

// stored are all samples of the client's metrics that Prometheus has, in all families of names.
func (s *stack) stored() ([]harness.TimeSeries, error) {
	return s.prometheus.Query(`{__name__=~"(claude_code_|otel_)?claude_code_.+"}[1h]`, harness.Now())
}

// waitForTruth waits until Prometheus has the true totals of the stack's own family and of those asked for.
func (s *stack) waitForTruth(t *testing.T, truth seeds.Truth, families ...seeds.Family) []harness.TimeSeries {
	t.Helper()
	var stored []harness.TimeSeries
	// The page is scraped up to an interval after the delay, which begins up to a batch's time after the sending.
	patience := 2*s.seed.Delay + 15*time.Second + harness.Patience
	harness.Eventually(t, patience, "true totals in the Prometheus of "+s.seed.Name, func() (err error) {
		if stored, err = s.stored(); err != nil {
			return err
		}
		for _, family := range append(families, s.seed.Own()) {
			if err := truth.Check(family, stored); err != nil {
				return fmt.Errorf("family %s: %w; there are: %s", family, err, seeds.FamilyOf(stored))
			}
		}
		return nil
	})
	return stored
}

// momentOf is the time at which questions are exact: that of the newest sample. Prometheus extrapolates beyond it.
func momentOf(stored []harness.TimeSeries) float64 {
	var latest float64
	for _, series := range stored {
		latest = max(latest, series.Last().Time)
	}
	return latest
}

// until are the series with the samples up to a time; those with none are left out.
func until(stored []harness.TimeSeries, moment float64) []harness.TimeSeries {
	var out []harness.TimeSeries
	for _, series := range stored {
		n := 0
		for n < len(series.Samples) && series.Samples[n].Time <= moment {
			n++
		}
		if n > 0 {
			out = append(out, harness.TimeSeries{Labels: series.Labels, Samples: series.Samples[:n]})
		}
	}
	return out
}

// environmentFor is that of the product in a stack: the delay that fits its scrape interval, and what the test adds.
func environmentFor(seed seeds.Seed, further ...string) map[string]string {
	out := map[string]string{"TOKENLEDGER_FIRST_VALUE_DELAY": seed.Delay.String()}
	for _, setting := range further {
		name, value, _ := strings.Cut(setting, "=")
		out[name] = value
	}
	return out
}

// product is the built collector.
func product(t *testing.T) string {
	t.Helper()
	return harness.CollectorBinary(harness.MustRoot(t))
}
