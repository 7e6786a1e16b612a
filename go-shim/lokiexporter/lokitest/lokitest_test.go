// SPDX-License-Identifier: Apache-2.0

package lokitest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/golang/snappy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// part is one field of a message: a number, or bytes.
func part(number protowire.Number, value any) []byte {
	switch v := value.(type) {
	case int:
		return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(v))
	case string:
		return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), v)
	default:
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), v.([]byte))
	}
}

func message(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func entry(seconds int, line string) []byte {
	return part(2, message(part(1, part(1, seconds)), part(2, line)))
}

// Scenario: requests with one fault each.
// Guarantee: the stand-in finds each of them, and none in a request without.
func TestDecodeIsStrict(t *testing.T) {
	labels := part(1, `{a="b", c="d"}`)
	good := part(1, message(labels, entry(1, "x"), entry(1, "y"), entry(2, "z")))
	streams, err := Decode(snappy.Encode(nil, good))
	require.NoError(t, err)
	require.Len(t, streams, 1)
	assert.Equal(t, map[string]string{"a": "b", "c": "d"}, streams[0].Labels)
	assert.Equal(t, int64(2), streams[0].Entries[2].Time.Unix())

	for name, c := range map[string]struct {
		message []byte
		says    string
	}{
		"nothing":             {nil, "no stream"},
		"field of request":    {message(good, part(2, "x")), "unknown field 2"},
		"hash of stream":      {part(1, message(labels, entry(1, "x"), part(3, 7))), "field 3"},
		"two sets of labels":  {part(1, message(labels, labels, entry(1, "x"))), "repeated field 1"},
		"no labels":           {part(1, entry(1, "x")), "no labels"},
		"no entries":          {part(1, labels), "no entries"},
		"the same stream":     {message(good, good), "twice"},
		"older entry":         {part(1, message(labels, entry(2, "x"), entry(1, "y"))), "older"},
		"no time":             {part(1, message(labels, part(2, part(2, "x")))), "no time"},
		"structured metadata": {part(1, message(labels, part(2, message(part(1, part(1, 1)), part(2, "x"), part(3, "y"))))), "field 3"},
		"nanoseconds":         {part(1, message(labels, part(2, part(1, part(2, 1000000000))))), "out of range"},
		"negative time":       {part(1, message(labels, part(2, part(1, part(1, -1))))), "out of range"},
		"no UTF-8":            {part(1, message(labels, entry(1, "\xff"))), "no UTF-8"},
		"cut off":             {good[:len(good)-1], "protobuf"},
		"a fixed field":       {protowire.AppendFixed32(protowire.AppendTag(nil, 1, protowire.Fixed32Type), 1), "of kind"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(snappy.Encode(nil, c.message))
			assert.ErrorContains(t, err, c.says)
		})
	}
	_, err = Decode(good)
	require.ErrorContains(t, err, "snappy")
	var framed bytes.Buffer
	writer := snappy.NewBufferedWriter(&framed)
	_, err = writer.Write(good)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	_, err = Decode(framed.Bytes())
	assert.Error(t, err)
}

// Scenario: texts that are not a set of labels, or not the one way to write it.
// Guarantee: each is refused.
func TestParseLabels(t *testing.T) {
	labels, err := ParseLabels(`{a="say \"hi\"\n", b_9="\u00e9}, c"}`)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a": "say \"hi\"\n", "b_9": "\u00e9}, c"}, labels)
	for _, text := range []string{
		``, `{}`, `a="b"`, `{a="b"`, `{a=b}`, "{a=`b`}", `{a='b'}`, `{a=""}`, `{="b"}`, `{1a="b"}`, `{a.b="c"}`, `{a="b",c="d"}`, `{a="b", }`,
		`{c="d", a="b"}`, `{a="b", a="c"}`, `{a="b"} `, `{a="\xff"}`, "{a=\"\xff\"}", "{a=\"\uFFFD\"}", `{a="b" c="d"}`, `{ a="b"}`, `{é="b"}`, `{a=~"b"}`,
	} {
		_, err := ParseLabels(text)
		assert.Error(t, err, text)
	}
}

// Scenario: requests that are no push, or that a Loki with tenants does not take.
// Guarantee: they are refused, and counted as faults where a client did it wrong.
func TestServer(t *testing.T) {
	body := snappy.Encode(nil, part(1, message(part(1, `{a="b"}`), entry(1, "x"))))
	ask := func(loki *Loki, change func(*http.Request)) int {
		r := httptest.NewRequest(http.MethodPost, Path, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/x-protobuf")
		if change != nil {
			change(r)
		}
		w := httptest.NewRecorder()
		loki.ServeHTTP(w, r)
		return w.Code
	}
	loki := &Loki{}
	assert.Equal(t, http.StatusNoContent, ask(loki, nil))
	assert.Equal(t, 1, loki.Lines())
	for fault, change := range map[string]func(*http.Request){
		"GET":        func(r *http.Request) { r.Method = http.MethodGet },
		"/other":     func(r *http.Request) { r.URL.Path = "/other" },
		"text/plain": func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"deflate":    func(r *http.Request) { r.Header.Set("Content-Encoding", "deflate") },
		"gzip":       func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
		"tenants":    func(r *http.Request) { r.Header["X-Scope-Orgid"] = []string{"a", "b"} },
	} {
		assert.Equal(t, http.StatusBadRequest, ask(loki, change), fault)
		assert.Contains(t, loki.Faults()[len(loki.Faults())-1], fault)
	}
	assert.Equal(t, 1, loki.Received())

	demanding := &Loki{DemandTenant: true}
	assert.Equal(t, http.StatusUnauthorized, ask(demanding, nil))
	assert.Equal(t, http.StatusNoContent, ask(demanding, func(r *http.Request) { r.Header.Set("X-Scope-OrgID", "a") }))
	assert.Equal(t, "a", demanding.Taken()[0].Tenant)
	assert.Empty(t, demanding.Faults())
}
