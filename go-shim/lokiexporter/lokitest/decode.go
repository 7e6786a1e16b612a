// SPDX-License-Identifier: Apache-2.0

// Package lokitest stands in for the push API of Loki in tests. It is stricter than Loki: what a Loki of any version or
// with any setting could refuse, drop or read in two ways is an error.
//
// The end-to-end tests use it too.
package lokitest

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/golang/snappy"
	"google.golang.org/protobuf/encoding/protowire"
)

// Stream is what one stream of a request carries.
type Stream struct {
	// Text is the set of labels as it was sent, Labels what it means.
	Text    string
	Labels  map[string]string
	Entries []Entry
}

// Entry is one line.
type Entry struct {
	Time time.Time
	Line string
}

// maxBody is what a decoded request may take: Loki's own limit for a message is smaller.
const maxBody = 64 << 20

// Decode reads the body of a request: a block of snappy (not the framed format) around a logproto.PushRequest.
func Decode(body []byte) ([]Stream, error) {
	size, err := snappy.DecodedLen(body)
	if err != nil {
		return nil, fmt.Errorf("snappy: %w", err)
	}
	if size > maxBody {
		return nil, fmt.Errorf("snappy: %d bytes are too many", size)
	}
	message, err := snappy.Decode(nil, body)
	if err != nil {
		return nil, fmt.Errorf("snappy: %w", err)
	}
	return decodeRequest(message)
}

func decodeRequest(message []byte) ([]Stream, error) {
	var streams []Stream
	seen := map[string]bool{}
	err := fields(message, func(number protowire.Number, value any) error {
		bytes, ok := value.([]byte)
		if number != 1 || !ok {
			return fmt.Errorf("request: unknown field %d", number)
		}
		stream, err := decodeStream(bytes)
		if err != nil {
			return fmt.Errorf("stream %d %s: %w", len(streams), stream.Text, err)
		}
		if seen[stream.Text] {
			return fmt.Errorf("stream %s: twice in one request", stream.Text)
		}
		seen[stream.Text] = true
		streams = append(streams, stream)
		return nil
	})
	if err == nil && len(streams) == 0 {
		err = errors.New("request: no stream")
	}
	return streams, err
}

func decodeStream(message []byte) (Stream, error) {
	var s Stream
	labelled := false
	err := fields(message, func(number protowire.Number, value any) error {
		bytes, ok := value.([]byte)
		switch {
		case ok && number == 1 && !labelled:
			labelled = true
			s.Text = string(bytes)
			var err error
			s.Labels, err = ParseLabels(s.Text)
			return err
		case ok && number == 2:
			entry, err := decodeEntry(bytes)
			if err != nil {
				return fmt.Errorf("entry %d: %w", len(s.Entries), err)
			}
			if n := len(s.Entries); n > 0 && entry.Time.Before(s.Entries[n-1].Time) {
				return fmt.Errorf("entry %d: older than the one before", n)
			}
			s.Entries = append(s.Entries, entry)
			return nil
		default:
			return fmt.Errorf("unknown or repeated field %d", number)
		}
	})
	switch {
	case err != nil:
		return s, err
	case !labelled:
		return s, errors.New("no labels")
	case len(s.Entries) == 0:
		return s, errors.New("no entries")
	default:
		return s, nil
	}
}

func decodeEntry(message []byte) (Entry, error) {
	var e Entry
	var timed, written bool
	err := fields(message, func(number protowire.Number, value any) error {
		bytes, ok := value.([]byte)
		switch {
		case ok && number == 1 && !timed:
			timed = true
			var err error
			e.Time, err = decodeTime(bytes)
			return err
		case ok && number == 2 && !written:
			written = true
			e.Line = string(bytes)
			if !utf8.Valid(bytes) {
				return errors.New("line: no UTF-8")
			}
			return nil
		default:
			return fmt.Errorf("unknown or repeated field %d", number)
		}
	})
	if err == nil && !timed {
		err = errors.New("no time")
	}
	return e, err
}

func decodeTime(message []byte) (time.Time, error) {
	var parts [3]uint64
	var set [3]bool
	err := fields(message, func(number protowire.Number, value any) error {
		part, ok := value.(uint64)
		if !ok || number > 2 || set[number] {
			return fmt.Errorf("time: unknown or repeated field %d", number)
		}
		parts[number], set[number] = part, true
		return nil
	})
	const yearTenThousand = 253402300800
	if err == nil && (parts[1] >= yearTenThousand || parts[2] >= 1e9) {
		err = fmt.Errorf("time: %d seconds and %d nanoseconds are out of range", parts[1], parts[2])
	}
	return time.Unix(int64(parts[1]), int64(parts[2])).UTC(), err
}

// fields calls visit with each field of a message: []byte for lengths, uint64 for varints. Other kinds of fields, groups
// and anything left over are errors.
func fields(message []byte, visit func(protowire.Number, any) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return fmt.Errorf("protobuf: %w", protowire.ParseError(n))
		}
		message = message[n:]
		var value any
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(message)
		default:
			return fmt.Errorf("protobuf: field %d of kind %d", number, kind)
		}
		if n < 0 {
			return fmt.Errorf("protobuf: field %d: %w", number, protowire.ParseError(n))
		}
		message = message[n:]
		if err := visit(number, value); err != nil {
			return err
		}
	}
	return nil
}
