// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Scenario: values of all kinds, within each other.
// Guarantee: they are written as encoding/json writes them, byte for byte, wherever it can.
func TestJSONIsThatOfTheLibrary(t *testing.T) {
	compared := 0
	for seed := range 5000 {
		value := pcommon.NewValueEmpty()
		arbitraryValue(rand.New(rand.NewPCG(3, uint64(seed))), value, 0)
		want, err := json.Marshal(value.AsRaw())
		if err != nil {
			continue // a number that JSON does not have; TestBodies has those
		}
		compared++
		require.Equal(t, string(want), string(appendJSON(nil, value, 0)), seed)
	}
	assert.Greater(t, compared, 4000)
}

// Scenario: texts with each single byte in them, and the characters that JSON in HTML must not have.
// Guarantee: they are written as encoding/json writes them.
func TestTextsAreThoseOfTheLibrary(t *testing.T) {
	texts := []string{"", "\u2028\u2029", "\u00e9\U0001F600", "\xed\xa0\x80"}
	for c := range 256 {
		texts = append(texts, "a"+string([]byte{byte(c)})+"b")
	}
	for _, one := range texts {
		want, err := json.Marshal(one)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(appendString(nil, one, true)))
	}
	assert.Equal(t, `x"<&>\u2028"`, string(appendString([]byte("x"), "<&>\u2028", false)))
}

// Scenario: the wire has a key twice, which OTLP does not allow.
// Guarantee: the line has it once, with the last value.
func TestKeysTwice(t *testing.T) {
	ld := logsOf(t, nil, map[string]any{"b": 0})
	record := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	record.PutStr("x", "first")
	bytes := marshal(t, ld)
	for i := range bytes { // x becomes b: the map's own functions would not allow that
		if bytes[i] == 'x' && bytes[i-1] == 1 {
			bytes[i] = 'b'
		}
	}
	assert.Equal(t, []string{`{"body":"record a","attributes":{"b":"first"}}`}, lines(sent(t, allLabels, unmarshal(t, bytes))))
}
