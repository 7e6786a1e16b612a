// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// BenchmarkConsumeLogs counts batches of 25 new requests of one session.
func BenchmarkConsumeLogs(b *testing.B) {
	c, err := newConnector(connectortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), consumertest.NewNop(), testPrices)
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(b.Context(), componenttest.NewNopHost()); err != nil {
		b.Fatal(err)
	}
	const size = 25
	var requests []plog.Logs
	for n := range size {
		requests = append(requests, apiRequest("s", fmt.Sprint(n), nil))
	}
	ld := plog.NewLogs()
	together(requests...).CopyTo(ld)
	var ids []pcommon.Value
	for _, rl := range ld.ResourceLogs().All() {
		id, _ := rl.ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("request_id")
		ids = append(ids, id)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, id := range ids {
			id.SetStr(fmt.Sprint("request", n))
			n++
		}
		if err := c.ConsumeLogs(b.Context(), ld); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/request")
	if err := c.Shutdown(b.Context()); err != nil {
		b.Fatal(err)
	}
}
