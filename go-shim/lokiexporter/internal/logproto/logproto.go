// SPDX-License-Identifier: Apache-2.0

// Package logproto writes the messages of Loki's push API (logproto.PushRequest).
//
// They are three, with six fields in use, so they are written by hand. The schema, read in Loki's push.proto:
//
//	message PushRequest { repeated Stream streams = 1; }
//	message Stream      { string labels = 1; repeated Entry entries = 2; }
//	message Entry       { google.protobuf.Timestamp timestamp = 1; string line = 2; }
//	message Timestamp   { int64 seconds = 1; int32 nanos = 2; }
//
// Stream.hash (3) is for use inside of Loki, Entry.structuredMetadata (3) unknown to Loki before 2.9.
package logproto // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/logproto"

import (
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Stream is a set of labels, as Loki writes it ({a="b", c="d"}), with its entries.
type Stream struct {
	Labels  string
	Entries []Entry
}

// Entry is a line and its time.
type Entry struct {
	Time time.Time
	Line string
}

const (
	requestStreams = 1
	streamLabels   = 1
	streamEntries  = 2
	entryTime      = 1
	entryLine      = 2
	timeSeconds    = 1
	timeNanos      = 2
)

// Append writes a PushRequest. Labels and lines have to be valid UTF-8.
func Append(b []byte, streams []Stream) []byte {
	for i := range streams {
		size := streamSize(&streams[i])
		b = slices.Grow(b, protowire.SizeTag(requestStreams)+protowire.SizeBytes(size))
		b = protowire.AppendTag(b, requestStreams, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(size))
		b = appendStream(b, &streams[i])
	}
	return b
}

func appendStream(b []byte, s *Stream) []byte {
	b = appendString(b, streamLabels, s.Labels)
	for i := range s.Entries {
		b = protowire.AppendTag(b, streamEntries, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(entrySize(&s.Entries[i])))
		b = appendEntry(b, &s.Entries[i])
	}
	return b
}

func appendEntry(b []byte, e *Entry) []byte {
	b = protowire.AppendTag(b, entryTime, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(timeSize(e.Time)))
	b = appendNumber(b, timeSeconds, uint64(e.Time.Unix()))
	b = appendNumber(b, timeNanos, uint64(e.Time.Nanosecond()))
	return appendString(b, entryLine, e.Line)
}

func appendString(b []byte, field protowire.Number, value string) []byte {
	if value == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), value)
}

func appendNumber(b []byte, field protowire.Number, value uint64) []byte {
	if value == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), value)
}

func streamSize(s *Stream) int {
	size := stringSize(streamLabels, s.Labels)
	for i := range s.Entries {
		size += protowire.SizeTag(streamEntries) + protowire.SizeBytes(entrySize(&s.Entries[i]))
	}
	return size
}

func entrySize(e *Entry) int {
	return protowire.SizeTag(entryTime) + protowire.SizeBytes(timeSize(e.Time)) + stringSize(entryLine, e.Line)
}

func timeSize(t time.Time) int {
	return numberSize(timeSeconds, uint64(t.Unix())) + numberSize(timeNanos, uint64(t.Nanosecond()))
}

func stringSize(field protowire.Number, value string) int {
	if value == "" {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeBytes(len(value))
}

func numberSize(field protowire.Number, value uint64) int {
	if value == 0 {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeVarint(value)
}
