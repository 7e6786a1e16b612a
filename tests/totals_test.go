package tests

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// variants are the ways in which the requests of a capture may arrive without changing its totals.
var variants = []struct {
	name   string
	change func(testing.TB, capture.Capture) capture.Capture
}{
	{"as captured", func(_ testing.TB, c capture.Capture) capture.Capture { return c }},
	{"each request twice", func(_ testing.TB, c capture.Capture) capture.Capture { return c.Twice() }},
	{"all requests once more", func(_ testing.TB, c capture.Capture) capture.Capture { return c.Repeated() }},
	{"requests of a session swapped", func(tb testing.TB, c capture.Capture) capture.Capture { return c.Swapped(tb) }},
	{"newest first in one body", func(tb testing.TB, c capture.Capture) capture.Capture { return c.NewestFirst(tb) }},
	{"merged into one request", func(tb testing.TB, c capture.Capture) capture.Capture { return c.Merged(tb) }},
	{"retried in one batch", func(tb testing.TB, c capture.Capture) capture.Capture { return c.RetriedInOneBatch(tb) }},
}

// TestTotals sends every capture over every transport in every variant to the default configuration, and logs and
// traces with it. It guarantees that all is accepted and that the page shows the truth, to the token and to 1e-9 USD.
func TestTotals(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{})
	sent := map[string]capture.Capture{}
	for _, transport := range harness.Transports {
		client := collector.Client(t, transport)
		for _, original := range loadAll(t) {
			for _, variant := range variants {
				name := strings.Join([]string{string(transport), original.Name, variant.name}, "/")
				renamed := original.Renamed(name)
				err := client.SendAll(t.Context(), variant.change(t, renamed).Requests)
				assert.NoError(t, err, name)
				sent[name] = renamed
			}
		}
	}
	collector.Settle(t)
	page := collector.Page(t)
	for name, c := range sent {
		t.Run(name, func(t *testing.T) { requireTruth(t, page, c) })
	}
}

// TestTotalsUnderConcurrency sends all captures in all variants at once, in random order, from eight clients of mixed
// transports, and half of the requests twice. It guarantees that neither order nor simultaneity changes a total.
func TestTotalsUnderConcurrency(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	collector := harness.StartCollector(t, harness.Setup{})

	var sent []capture.Capture
	var requests []capture.Request
	for _, original := range loadAll(t) {
		for _, variant := range variants {
			if variant.name == "retried in one batch" {
				continue // rule D3b recognises the last four windows; random order goes further back
			}
			renamed := original.Renamed("concurrent " + variant.name)
			sent = append(sent, renamed)
			for _, request := range variant.change(t, renamed).Of(capture.Metrics) {
				requests = append(requests, request)
				if random.IntN(2) == 0 {
					requests = append(requests, request)
				}
			}
		}
	}
	random.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
	sendConcurrently(t, collector, requests, 8)

	collector.Settle(t)
	page := collector.Page(t)
	for _, c := range sent {
		t.Run(c.Name, func(t *testing.T) { requireTruth(t, page, c) })
	}
}

// sendConcurrently lets a number of clients take requests from one list.
func sendConcurrently(t *testing.T, collector *harness.Collector, requests []capture.Request, clients int) {
	t.Helper()
	next := make(chan capture.Request)
	var group sync.WaitGroup
	for i := range clients {
		client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
		group.Go(func() {
			for request := range next {
				assert.NoError(t, client.Send(t.Context(), request))
			}
		})
	}
	for _, request := range requests {
		next <- request
	}
	close(next)
	group.Wait()
}
