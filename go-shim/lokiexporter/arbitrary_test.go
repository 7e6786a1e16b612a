// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// writeCorpus makes TestArbitraryLogs write the first of its batches as inputs of FuzzPush.
var writeCorpus = flag.Bool("write-corpus", false, "write testdata/fuzz/FuzzPush anew")

// Scenario: thousands of batches with hints, tenants, formats, names and values of all kinds, of both levels, and times
// out of order or missing. Random, but always the same.
// Guarantee: as FuzzPush, which starts from some of them.
func TestArbitraryLogs(t *testing.T) {
	batches := 3000
	if testing.Short() {
		batches = 300
	}
	for seed := range batches {
		rng := rand.New(rand.NewPCG(7, uint64(seed)))
		ld := arbitraryLogs(rng)
		if *writeCorpus && seed < 12 {
			writeInput(t, seed, ld)
		}
		ld.MarkReadOnly()
		checkPush(t, &lokiExporter{config: &Config{DefaultLabelsEnabled: DefaultLabelsConfig{
			Exporter: rng.IntN(2) == 0, Job: rng.IntN(2) == 0, Instance: rng.IntN(2) == 0, Level: rng.IntN(2) == 0,
		}}, now: func() time.Time { return noon }}, ld)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func writeInput(t *testing.T, seed int, ld plog.Logs) {
	t.Helper()
	bytes, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	dir := filepath.Join("testdata", "fuzz", "FuzzPush")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	text := "go test fuzz v1\n[]byte(" + strconv.Quote(string(append([]byte{byte(seed)}, bytes...))) + ")\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "arbitrary-"+strconv.Itoa(seed)), []byte(text), 0o600))
}

func arbitraryLogs(rng *rand.Rand) plog.Logs {
	ld := plog.NewLogs()
	for range rng.IntN(4) {
		rl := ld.ResourceLogs().AppendEmpty()
		arbitraryAttributes(rng, rl.Resource().Attributes())
		for range rng.IntN(3) {
			sl := rl.ScopeLogs().AppendEmpty()
			if rng.IntN(2) == 0 {
				sl.Scope().SetName(arbitraryText(rng))
				sl.Scope().SetVersion(arbitraryText(rng))
				arbitraryAttributes(rng, sl.Scope().Attributes())
			}
			for range rng.IntN(6) {
				arbitraryRecord(rng, sl.LogRecords().AppendEmpty())
			}
		}
	}
	return ld
}

func arbitraryRecord(rng *rand.Rand, record plog.LogRecord) {
	times := []uint64{0, 1, math.MaxInt64, math.MaxUint64, uint64(noon.UnixNano()), uint64(noon.UnixNano()) - rng.Uint64N(1e12)}
	record.SetTimestamp(pcommon.Timestamp(times[rng.IntN(len(times))]))
	record.SetObservedTimestamp(pcommon.Timestamp(times[rng.IntN(len(times))]))
	record.SetSeverityNumber(plog.SeverityNumber(rng.IntN(40) - 10))
	record.SetSeverityText(arbitraryText(rng))
	record.SetFlags(plog.LogRecordFlags(rng.IntN(3)))
	record.SetTraceID([16]byte{byte(rng.IntN(2))})
	record.SetSpanID([8]byte{byte(rng.IntN(2))})
	arbitraryValue(rng, record.Body(), 0)
	arbitraryAttributes(rng, record.Attributes())
}

var arbitraryNames = []string{
	hintAttributeLabels, hintAttributeLabels, hintResourceLabels, hintTenant, hintFormat, "tenant", "level", "job", "exporter", "instance",
	attributeService, attributeNamespace, attributeInstance, "a", "a.b", "a_b", "a.b.c", "", " ", "1", "\xff", "\u00e9", "\"", "=", "a b", "\n",
}

func arbitraryAttributes(rng *rand.Rand, to pcommon.Map) {
	for range rng.IntN(8) {
		arbitraryValue(rng, to.PutEmpty(arbitraryNames[rng.IntN(len(arbitraryNames))]), 0)
	}
}

var arbitraryTexts = []string{
	"json", "logfmt", "raw", "xml", "tenant", "a", "a.b", "a,b", "a.b.c, level ,job", "tenant,,", "", " ", "x=1", `x="a b" y=`, `x="`, "x y", "\n", "\r\n",
	"\x00", "\xff\xfe", "\u00e9\u4e16", "\u2028", `\`, `"`, "<&>", "{}", `{a="b"}`, "[nested too deeply]",
}

func arbitraryText(rng *rand.Rand) string { return arbitraryTexts[rng.IntN(len(arbitraryTexts))] }

func arbitraryValue(rng *rand.Rand, to pcommon.Value, depth int) {
	switch kind := rng.IntN(16); {
	case kind < 8:
		to.SetStr(arbitraryText(rng))
	case kind == 8:
		to.SetInt(rng.Int64() - rng.Int64())
	case kind == 9:
		to.SetDouble([]float64{0, -0.5, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)}[rng.IntN(6)])
	case kind == 10:
		to.SetBool(rng.IntN(2) == 0)
	case kind == 11:
		to.SetEmptyBytes().FromRaw([]byte(arbitraryText(rng)))
	case kind == 12 && depth < 100:
		inner := to.SetEmptySlice()
		for range rng.IntN(3) {
			arbitraryValue(rng, inner.AppendEmpty(), depth+1)
		}
	case kind >= 13 && depth < 100:
		inner := to.SetEmptyMap()
		for range rng.IntN(3) {
			arbitraryValue(rng, inner.PutEmpty(arbitraryNames[rng.IntN(len(arbitraryNames))]), depth+1)
		}
	}
}
