// SPDX-License-Identifier: Apache-2.0

package logproto

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// Scenario: a request that was written out by hand after Loki's schema.
// Guarantee: the bytes are those.
func TestBytes(t *testing.T) {
	got := Append(nil, []Stream{{Labels: `{a="b"}`, Entries: []Entry{{Time: time.Unix(1, 2), Line: "hi"}, {Time: time.Unix(0, 0)}}}})
	want := strings.Join([]string{
		"0a 19",                      // streams, 25 bytes
		"0a 07 7b 61 3d 22 62 22 7d", // labels
		"12 0a",                      // entries, 10 bytes
		"0a 04 08 01 10 02",          // timestamp: 1 s, 2 ns
		"12 02 68 69",                // line
		"12 02 0a 00",                // an entry at the epoch, without text
	}, " ")
	assert.Equal(t, strings.ReplaceAll(want, " ", ""), hex.EncodeToString(got))
}

// Scenario: streams and entries whose lengths need one to three bytes.
// Guarantee: what a reader with other code finds is what was written.
func TestRoundTrip(t *testing.T) {
	var streams []Stream
	for _, size := range []int{0, 1, 100, 127, 128, 129, 16383, 16384, 70000} {
		at := time.Unix(1795217012, 703000000).UTC()
		streams = append(streams, Stream{Labels: `{size="` + strings.Repeat("1", size+1) + `"}`, Entries: []Entry{
			{Time: at, Line: strings.Repeat("x", size)}, {Time: at.Add(time.Nanosecond), Line: "y"},
		}})
	}
	read, err := lokitest.Decode(snappy.Encode(nil, Append(nil, streams)))
	require.NoError(t, err)
	require.Len(t, read, len(streams))
	for i := range streams {
		assert.Equal(t, streams[i].Labels, read[i].Text)
		for j, e := range streams[i].Entries {
			assert.Equal(t, lokitest.Entry(e), read[i].Entries[j])
		}
	}
}
