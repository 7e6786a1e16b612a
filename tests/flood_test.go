package tests

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/synthetic"
)

const (
	floodMetric   = "flood.tokens"
	floodDuration = 25 * time.Second
	floodBudget   = 64 << 20 // max_memory_mib: 64
	floodStale    = 5 * time.Second
	// floodSlack is what resident memory may grow by beyond the budget and beyond what the same traffic takes with few
	// streams: Go lets its heap double before it collects, and knows nothing of the engine's memory.
	floodSlack = 48 << 20
	// floodLedger is what the ledger may take beside the budget: rows on their way, up to a megabyte each of records and
	// blobs, the page caches of its three connections (8 MiB), usage under way to its file.
	floodLedger = 16 << 20
)

// floods are the two limits that a flood may run into.
var floods = map[string]string{
	"max_streams":    "{max_streams: 2000, max_memory_mib: 64}",
	"max_memory_mib": "{max_streams: 1000000, max_memory_mib: 64}",
}

func floodConfig(limits string, tally *harness.Tally) string {
	return fmt.Sprintf(`
processors:
  token_ledger: {identity: prometheus, max_stale: %v, cardinality: %s}
exporters:
  otlp_http: {endpoint: %q, compression: none, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service: {pipelines: {metrics: {exporters: [otlp_http]}}}
`, floodStale, limits, tally.URL) + harness.StatusConfig
}

// Scenario: more services and sessions than may be told apart, more than even overflow streams have room for. Guarantee:
// the sum over all series of the page is what was sent, whatever goes where (T5).
func TestOverflowOfManyServices(t *testing.T) {
	t.Parallel()
	for _, identity := range []string{"otlp", "prometheus"} {
		t.Run(identity, func(t *testing.T) {
			t.Parallel()
			collector := harness.StartCollector(t, harness.Setup{Config: fmt.Sprintf(
				"processors: {token_ledger: {identity: %s, cardinality: {max_streams: 3}}}", identity)})
			client := collector.Client(t, harness.GRPC)
			const rounds, services, metrics = 5, 20, 4
			begin := time.Now().Add(-time.Second)
			for round := range rounds {
				w := synthetic.Window{Start: begin.Add(time.Duration(round) * time.Millisecond), End: begin.Add(time.Duration(round+1) * time.Millisecond)}
				for service := range services {
					source := synthetic.Source{Resource: map[string]string{"service.name": fmt.Sprint("service ", service)}}
					request := source.Request()
					for metric := range metrics {
						request.Sum(fmt.Sprint("flood.metric.", metric), synthetic.Delta, w, 1, "session.id", fmt.Sprint(service))
					}
					require.NoError(t, client.SendMetrics(t.Context(), request.Metrics()))
				}
			}
			harness.Eventually(t, harness.Patience/2, "everything on the page", func() error {
				for metric := range metrics {
					if got := collector.Page(t).Sum(fmt.Sprint("flood_metric_", metric)); got != rounds*services {
						return fmt.Errorf("metric %d shows %v, should be %d", metric, got, rounds*services)
					}
				}
				return nil
			})
			assert.Zero(t, outcomes(collector.SelfMetrics(t))["refused"])
		})
	}
}

// flood is what one run sends and sees.
type flood struct {
	t         *testing.T
	collector *harness.Collector
	tally     *harness.Tally
	sent      atomic.Int64
	known     [20]float64     // totals of the streams that were there before
	client    *harness.Client // of the known sessions
}

// Scenario: for 25 seconds some hundred thousand new sessions and services come with three kilobytes of attributes each, far
// more than the limits allow, while twenty known sessions go on. Guarantee: resident memory grows by the budget and a
// stated slack at most; the sum over all series is what was sent; known sessions keep their series; the state is told
// as component status and metrics; and afterwards new sessions get their own series again (T5).
func TestFlood(t *testing.T) {
	t.Parallel()
	for name, limits := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tally := harness.StartTally(t)
			collector := harness.StartCollector(t, harness.Setup{
				Config: floodConfig(limits, tally), Arguments: harness.StatusArguments,
			})
			f := &flood{t: t, collector: collector, tally: tally, client: collector.Client(t, harness.GRPC)}
			idle, err := collector.Resident()
			require.NoError(t, err)
			f.sendKnown()
			busy := f.watched(4*time.Second, func(i int) string { return fmt.Sprint("regular ", i%600) })
			f.requireStatus("StatusOK")

			full := f.watched(floodDuration, func(i int) string { return fmt.Sprint("new ", i) })
			t.Logf("resident memory: idle %d MiB, with 600 sessions %d MiB, in the flood %d MiB; %d points", idle>>20, busy>>20, full>>20, f.sent.Load())
			assert.LessOrEqual(t, full, busy+floodBudget+floodSlack+floodLedger, "resident memory in the flood, in bytes")
			assert.Greater(t, f.sent.Load(), int64(60_000), "points; fewer are no flood")
			f.requireExact()
			f.requireRecovery()
		})
	}
}

// watched sends for some time while it watches memory, status and the processor's own metrics, and returns the peak of
// resident memory. name makes the name of the i-th session.
func (f *flood) watched(duration time.Duration, name func(i int) string) (peak int64) {
	f.t.Helper()
	stop := f.collector.PeakResident(f.t)
	end := time.Now().Add(duration)
	var group sync.WaitGroup
	group.Go(func() {
		for ; time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			f.sendKnown()
		}
	})
	client := f.collector.Client(f.t, harness.HTTPProtobuf)
	for sent := 0; time.Now().Before(end); {
		due := time.Now().Add(100 * time.Millisecond)
		md, points := f.wave(sent, name)
		if !assert.NoError(f.t, client.SendMetrics(f.t.Context(), md)) {
			break
		}
		sent += points
		f.sent.Add(int64(points))
		time.Sleep(time.Until(due)) // as fast as the collector is, but no faster than ten requests a second
	}
	f.requireLimits()
	group.Wait()
	return stop()
}

// wave is one request: twenty services with twenty sessions each, one token for every session.
func (f *flood) wave(first int, name func(i int) string) (md pmetric.Metrics, points int) {
	var requests []pmetric.Metrics
	now := time.Now()
	w := synthetic.Window{Start: now.Add(-100 * time.Millisecond), End: now}
	for range 20 {
		session := name(first + points)
		source := synthetic.Source{
			Resource: map[string]string{"service.name": "service of " + session, "host.name": "host of " + session},
		}
		request := source.Request()
		for range 20 {
			session := name(first + points)
			request.Sum(floodMetric, synthetic.Delta, w, 1, "session.id", session, "prompt.title", f.title(session))
			points++
		}
		requests = append(requests, request.Metrics())
	}
	return synthetic.Merge(requests...), points
}

// title is three kilobytes of text that belongs to a session.
func (f *flood) title(session string) string {
	return strings.Repeat(session+", ", 3072/(len(session)+2))
}

// sendKnown sends a token of each known session.
func (f *flood) sendKnown() {
	now := time.Now()
	w := synthetic.Window{Start: now.Add(-100 * time.Millisecond), End: now}
	request := synthetic.Source{Resource: map[string]string{"service.name": "known"}}.Request()
	for i := range f.known {
		request.Sum(floodMetric, synthetic.Delta, w, 1, "session.id", knownSession(i))
		f.known[i]++
	}
	if assert.NoError(f.t, f.client.SendMetrics(f.t.Context(), request.Metrics())) {
		f.sent.Add(int64(len(f.known)))
	}
}

func knownSession(i int) string { return fmt.Sprintf("known %d", i) }

// requireLimits checks what the processor tells of itself.
func (f *flood) requireLimits() {
	f.t.Helper()
	page := f.collector.SelfMetrics(f.t)
	own := func(name string) float64 { return page.Sum("otelcol_processor_token_ledger_" + name) } // no name begins another
	assert.Equal(f.t, float64(floodBudget), own("memory_limit"))
	assert.Positive(f.t, own("memory_bytes"))
	assert.LessOrEqual(f.t, own("memory_bytes"), own("memory_limit"))
	if outcomes(page)["overflow"] == 0 {
		return // before the flood
	}
	f.requireStatus("StatusRecoverableError")
}

// requireStatus waits for the component's status: it is well again a minute after the last point without room.
func (f *flood) requireStatus(want string) {
	f.t.Helper()
	harness.Eventually(f.t, time.Minute+15*time.Second, "status of token_ledger", func() error {
		status, text, err := f.collector.Status("metrics", "processor:token_ledger")
		if err == nil && status != want {
			err = fmt.Errorf("%s (%s), should be %s", status, text, want)
		}
		return err
	})
}

// requireExact checks the totals at the next component.
func (f *flood) requireExact() {
	f.t.Helper()
	harness.Eventually(f.t, 30*time.Second, "the sum over all series", func() error {
		sum, series := f.tally.Sum(floodMetric)
		overflow, overflows := f.tally.Overflow(floodMetric)
		if sum != float64(f.sent.Load()) {
			return fmt.Errorf("%v in %d series, of that %v in %d overflow series; should be %d", sum, series, overflow, overflows, f.sent.Load())
		}
		return nil
	})
	overflow, overflows := f.tally.Overflow(floodMetric)
	_, series := f.tally.Sum(floodMetric)
	f.t.Logf("%d series; %v points in %d overflow series", series, overflow, overflows)
	assert.Positive(f.t, overflow)
	for i, want := range f.known {
		sum, resets, err := f.tally.Series(floodMetric, "session.id", knownSession(i))
		require.NoError(f.t, err)
		assert.Equal(f.t, want, sum, knownSession(i))
		assert.Zero(f.t, resets, knownSession(i))
	}
}

// requireRecovery sends sessions that nobody knows until the flood is forgotten and they get series of their own.
func (f *flood) requireRecovery() {
	f.t.Helper()
	sessions := 0
	harness.Eventually(f.t, 2*floodStale+harness.Patience/2, "a series of its own", func() error {
		session := fmt.Sprint("after ", sessions)
		sessions++
		now := time.Now()
		request := synthetic.Source{Resource: map[string]string{"service.name": "afterwards"}}.Request()
		request.Sum(floodMetric, synthetic.Delta, synthetic.Window{Start: now.Add(-time.Second), End: now}, 1, "session.id", session)
		require.NoError(f.t, f.client.SendMetrics(f.t.Context(), request.Metrics()))
		sum, _, err := f.tally.Series(floodMetric, "session.id", session)
		if err == nil && sum != 1 {
			err = fmt.Errorf("%s has %v", session, sum)
		}
		return err
	})
	f.t.Logf("%d sessions sent until one had a series of its own", sessions)
	f.requireStatus("StatusOK")
}
