package tests

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// scrapeJob is one collector, scraped at its own interval.
type scrapeJob struct {
	name     string
	interval time.Duration
	delay    time.Duration // first_value_delay: more than one interval, so that a scrape sees the zero
}

var scrapeJobs = []scrapeJob{
	{"every_1s", time.Second, 3 * time.Second},
	{"every_5s", 5 * time.Second, 8 * time.Second},
	{"every_15s", 15 * time.Second, 23 * time.Second},
	{"every_60s", 60 * time.Second, 75 * time.Second},
}

// controlJob has no delay: there the first window must be lost, or the test could not see a loss.
var controlJob = scrapeJob{"control", 5 * time.Second, 0}

// TestPrometheusSeesTheFirstWindow replays four sessions at their real spacing, and two of a single export, into
// collectors that a real Prometheus scrapes each 1, 5, 15 and 60 s. It guarantees that first_value_delay makes every
// series begin at 0, so that last minus first value and increase() are the truth, where without it they lose.
func TestPrometheusSeesTheFirstWindow(t *testing.T) {
	t.Parallel()
	jobs := append([]scrapeJob{controlJob}, scrapeJobs...)
	collectors := map[string]*harness.Collector{}
	var scrapes strings.Builder
	scrapes.WriteString("scrape_configs:\n")
	for _, job := range jobs {
		collectors[job.name] = harness.StartCollector(t, harness.Setup{
			Env: map[string]string{"TOKENLEDGER_FIRST_VALUE_DELAY": job.delay.String()},
		})
		fmt.Fprintf(&scrapes, "  - {job_name: %s, scrape_interval: %s, scrape_timeout: %s, static_configs: [{targets: [%q]}]}\n",
			job.name, job.interval, min(job.interval, 10*time.Second), collectors[job.name].PageAddress())
	}
	prometheus := harness.StartPrometheus(t, scrapes.String())
	prometheus.WaitForTargets(t, len(jobs))

	long := []capture.Capture{
		load(t, "2.1.197", capture.JSON, "scraped"),
		load(t, "2.1.329", capture.Protobuf, "scraped"),
	}
	oneShot := load(t, "2.1.329", capture.JSON, "one shot").OneShot(t)
	var group sync.WaitGroup
	for _, collector := range collectors {
		for _, c := range append(long, oneShot) {
			group.Go(func() { replay(t, collector, c.InOrderOfTime(t), 0) })
		}
	}
	group.Wait()

	for _, job := range scrapeJobs {
		t.Run(job.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range append(long, oneShot) {
				requireCompleteIncrease(t, prometheus, job, c)
			}
		})
	}
	t.Run("control", func(t *testing.T) {
		requireLostIncrease(t, prometheus, collectors[controlJob.name], oneShot)
	})
}

// replay sends requests at the spacing in which they were recorded, with times that are now, plus a skew of the
// client's clock.
func replay(t *testing.T, collector *harness.Collector, requests []capture.Request, skew time.Duration) {
	t.Helper()
	client := collector.Client(t, harness.HTTPProtobuf)
	begin := time.Now()
	recorded := capture.Time(t, requests[0])
	for _, request := range requests {
		due := begin.Add(capture.Time(t, request).Sub(recorded))
		time.Sleep(time.Until(due)) // the spacing is what is replayed; nothing is concluded from it
		assert.NoError(t, client.Send(t.Context(), capture.Shift(t, request, begin.Sub(recorded)+skew)))
	}
}

// requireCompleteIncrease waits until Prometheus has the totals and checks what it saw before.
func requireCompleteIncrease(t *testing.T, prometheus *harness.Prometheus, job scrapeJob, c capture.Capture) {
	t.Helper()
	want := c.Totals(t)
	var stored []harness.TimeSeries
	harness.Eventually(t, job.delay+2*job.interval+harness.Patience, "totals of "+c.Name, func() (err error) {
		stored, err = storedSamples(prometheus, job.name, c.Sessions)
		if err != nil {
			return err
		}
		shown, err := harness.LastSamples(stored).Totals(c.Sessions)
		return errors.Join(err, sameTotals(want, shown))
	})
	for _, series := range stored {
		key, total := series.Selector(), series.Last().Value
		require.Zero(t, series.First().Value, "first sample of %s", key)
		// At the time of the last sample nothing is extrapolated behind it, and nothing before a first sample of 0.
		assert.InDelta(t, total, increase(t, prometheus, series, series.Last().Time), costTolerance*max(1, total), key)
	}
}

// requireLostIncrease checks that a session of one export counts nothing without the delay. Its values follow their zeros
// within a second, so a scrape can still fall in between: the session begins right after a scrape, and if a busy machine
// made it late all the same, another one is tried.
func requireLostIncrease(t *testing.T, prometheus *harness.Prometheus, collector *harness.Collector, c capture.Capture) {
	t.Helper()
	for attempt := range 4 {
		session := c.Renamed(fmt.Sprintf("control %d", attempt))
		waitForScrape(t, prometheus, controlJob)
		replay(t, collector, session.InOrderOfTime(t), 0)
		if losesEverything(t, prometheus, session) {
			return
		}
	}
	t.Error("without first_value_delay nothing was lost: these tests could not see a loss")
}

// waitForScrape returns right after the next scrape of a job.
func waitForScrape(t *testing.T, prometheus *harness.Prometheus, job scrapeJob) {
	t.Helper()
	var first float64
	harness.Eventually(t, 2*job.interval+harness.Patience, "a scrape of "+job.name, func() error {
		last, err := prometheus.Query(fmt.Sprintf("timestamp(up{job=%q})", job.name), harness.Now())
		if err != nil || len(last) == 0 {
			return errors.Join(err, errors.New("no scrape yet"))
		}
		if at := last[0].Last().Value; first == 0 {
			first = at
		} else if at > first {
			return nil
		}
		return errors.New("no new scrape yet")
	})
}

// losesEverything waits for two scrapes of a session and tells whether no series grew from one to the other.
func losesEverything(t *testing.T, prometheus *harness.Prometheus, c capture.Capture) bool {
	t.Helper()
	var stored []harness.TimeSeries
	harness.Eventually(t, 2*controlJob.interval+harness.Patience, "two scrapes of "+c.Name, func() (err error) {
		stored, err = storedSamples(prometheus, controlJob.name, c.Sessions)
		if err == nil && (len(stored) == 0 || len(stored[0].Samples) < 2) {
			err = errors.New("not yet")
		}
		return err
	})
	for _, series := range stored {
		if series.First().Value != series.Last().Value {
			return false
		}
	}
	return true
}

// storedSamples are all samples of the sessions' series in one job, without what the collector computes.
func storedSamples(prometheus *harness.Prometheus, job string, sessions []capture.Session) ([]harness.TimeSeries, error) {
	var ids []string
	for _, session := range sessions {
		ids = append(ids, session.ID)
	}
	return prometheus.Query(fmt.Sprintf(`{__name__!~"token_ledger_.*",job=%q,session_id=~%q}[1h]`, job, strings.Join(ids, "|")), harness.Now())
}

// increase asks Prometheus for the increase of one series over the whole run.
func increase(t *testing.T, prometheus *harness.Prometheus, series harness.TimeSeries, at float64) float64 {
	t.Helper()
	result, err := prometheus.Query("increase("+series.Selector()+"[1h])", at)
	require.NoError(t, err)
	require.Len(t, result, 1, "increase of %s", series.Selector())
	return result[0].Last().Value
}
