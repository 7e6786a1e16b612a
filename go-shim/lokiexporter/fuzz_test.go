// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/logproto"
	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// FuzzPush takes any OTLP logs through everything but the network.
//
// Scenario: any request that a collector can decode; the first byte chooses the default labels.
// Guarantee: nothing panics; a strict reader accepts every request; each record is in it exactly once, at its time, under
// its tenant; a line without a format hint is JSON; the batch is not changed.
//
// More: go test -fuzz FuzzPush ./lokiexporter (in go-shim).
func FuzzPush(f *testing.F) {
	for _, file := range []string{"0000_v1_logs.pb", "0013_v1_logs.pb"} {
		bytes, err := os.ReadFile(captures + "/claude-code-2.1.329/two-sessions-protobuf/" + file)
		require.NoError(f, err)
		f.Add(append([]byte{0xff}, bytes...))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 {
			return
		}
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(input[1:])
		if err != nil {
			return
		}
		ld.MarkReadOnly()
		choice := input[0]
		e := &lokiExporter{
			config: &Config{DefaultLabelsEnabled: DefaultLabelsConfig{Exporter: choice&1 != 0, Job: choice&2 != 0, Instance: choice&4 != 0, Level: choice&8 != 0}},
			now:    func() time.Time { return noon },
		}
		checkPush(t, e, ld)
	})
}

func checkPush(t *testing.T, e *lokiExporter, ld plog.Logs) {
	t.Helper()
	type placed struct {
		tenant string
		time   int64
	}
	want, got := map[placed]int{}, map[placed]int{}
	plainJSON := true
	for _, r := range records(ld) {
		want[placed{tenantOf(r.resource, r.record.Attributes()), e.timeOf(r.record).UnixNano()}]++
		format, _ := formatOf(r.resource, r.record.Attributes())
		plainJSON = plainJSON && format == formatJSON
	}
	tenants := map[string]bool{}
	for _, p := range splitByTenant(ld) {
		require.False(t, tenants[p.tenant], "one part for each tenant")
		tenants[p.tenant] = true
		streams, err := lokitest.Decode(snappy.Encode(nil, logproto.Append(nil, e.streams(p.logs).streams)))
		require.NoError(t, err)
		for _, s := range streams {
			for _, entry := range s.Entries {
				got[placed{p.tenant, entry.Time.UnixNano()}]++
				require.True(t, !plainJSON || json.Valid([]byte(entry.Line)), entry.Line)
			}
		}
	}
	assert.True(t, maps.Equal(want, got), "records by tenant and time: want %v, got %v", want, got)
}
