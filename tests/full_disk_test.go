package tests

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestFullDisk fills the disk of a collector's ledger while a client sends new streams, and makes space again. It
// guarantees that requests are refused with a status that lets clients send again (HTTP 503, gRPC UNAVAILABLE), that
// health checks and metrics tell, and that with space everything that the client kept and sent again is in, once.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for transport, refused := range map[harness.Transport]func(error) bool{
		harness.HTTPProtobuf: func(err error) bool {
			var answer *harness.StatusError
			return errors.As(err, &answer) && answer.Code == http.StatusServiceUnavailable
		},
		harness.GRPC: func(err error) bool { return status.Code(err) == codes.Unavailable },
	} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			disk := harness.SmallDisk(t, "32m")
			collector := harness.StartCollector(t, harness.Setup{
				State: filepath.Join(disk, "state"), Config: harness.StatusConfig, Arguments: harness.StatusArguments,
			})
			client := collector.Client(t, transport)
			began := time.Now().Add(-time.Second)
			send := func(number int) error { return client.SendMetrics(t.Context(), wideStream(number, began)) }

			require.NoError(t, send(0))
			release := harness.FillDisk(t, disk)
			sent, err := 1, error(nil)
			for ; sent < 10_000 && err == nil; sent++ {
				err = send(sent)
			}
			require.Error(t, err, "%d requests fit a full disk", sent)
			assert.True(t, refused(err), "%v", err)
			assert.ErrorContains(t, err, "cannot write its ledger")
			harness.Eventually(t, harness.Patience, "a degraded status", hasStatus(collector, "StatusRecoverableError"))
			own := collector.SelfMetrics(t)
			assert.Equal(t, 1.0, own.Sum("otelcol_processor_token_ledger_ledger_stopped"))
			assert.Positive(t, own.Sum("otelcol_processor_token_ledger_ledger_refused_requests"))

			release()
			harness.Eventually(t, harness.Patience, "the retry", func() error { return send(sent - 1) })
			harness.Eventually(t, harness.Patience, "a status that is well again", hasStatus(collector, "StatusOK"))
			collector.Settle(t)
			page := collector.Page(t)
			for number := range sent {
				require.Equal(t, float64(number+1), page.Sum("test_wide", "sentinel", wideName(number)), "stream %d of %d", number, sent)
			}
		})
	}
}

func hasStatus(collector *harness.Collector, wanted string) func() error {
	return func() error {
		found, text, err := collector.Status("metrics", "processor:token_ledger")
		if err == nil && found != wanted {
			err = fmt.Errorf("the status is %s (%s)", found, text)
		}
		return err
	}
}

func wideName(number int) string { return fmt.Sprintf("test.wide.%d", number) }

// wideStream is a request of a stream with much text, which the ledger has to keep.
func wideStream(number int, began time.Time) pmetric.Metrics {
	md := harness.OneSum(wideName(number), began, began.Add(500*time.Millisecond), float64(number+1))
	point := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
	point.Attributes().PutStr("padding", strings.Repeat("x", 8000)+wideName(number))
	return md
}
