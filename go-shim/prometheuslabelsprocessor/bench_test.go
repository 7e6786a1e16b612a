// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor/internal/metadata"
)

// benchPoints is the size of a request in the benchmarks; the figures per operation are for one request.
const benchPoints = 1000

// BenchmarkProcess measures one request of 1000 points with 10 attributes each; ns/point is the time per point. The cases
// without a collision show what a pipeline pays in which nothing has to be settled.
func BenchmarkProcess(b *testing.B) {
	for _, bench := range []struct {
		name   string
		cfg    Config
		change func(resource, point pcommon.Map)
	}{
		{name: "nothing to do"},
		{name: "const label", cfg: Config{ConstLabels: map[string]string{"environment": "dev"}}},
		{name: "const label that collides", cfg: Config{ConstLabels: map[string]string{"type": "dev"}}},
		{name: "resource attributes", cfg: Config{ResourceAttributes: true}},
		{name: "resource attribute job", cfg: Config{ResourceAttributes: true}, change: func(resource, _ pcommon.Map) { resource.PutStr("job", "claude") }},
		{name: "two attributes with one label", change: func(_, point pcommon.Map) { point.PutStr("session_id", "other") }},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmark(b, &bench.cfg, bench.change) })
	}
}

func benchmark(b *testing.B, cfg *Config, change func(resource, point pcommon.Map)) {
	p, err := newProcessor(processortest.NewNopSettings(metadata.Type), cfg)
	if err != nil {
		b.Fatal(err)
	}
	// What is added to a request stays in it, so each gets a fresh copy; copying is not measured.
	original := benchRequest(change)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		md := pmetric.NewMetrics()
		original.CopyTo(md)
		b.StartTimer()
		if _, err := p.process(context.Background(), md); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchPoints, "ns/point")
}

func benchRequest(change func(resource, point pcommon.Map)) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	resource := rm.Resource().Attributes()
	for key, value := range map[string]string{"service.name": "claude-code", "service.version": "2.1", "os.type": "linux", "os.version": "6", "host.arch": "amd64"} {
		resource.PutStr(key, value)
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("com.anthropic.claude_code")
	sum := sm.Metrics().AppendEmpty().SetEmptySum()
	keys := []string{"user.id", "session.id", "organization.id", "user.email", "user.account_uuid", "terminal.type", "model", "type", "query_source", "effort"}
	for n := range benchPoints {
		point := sum.DataPoints().AppendEmpty().Attributes()
		for _, key := range keys {
			point.PutStr(key, fmt.Sprintf("%s-%d", key, n%50))
		}
		if change != nil {
			change(resource, point)
		}
	}
	return md
}
