package seeds

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang/snappy"
	"google.golang.org/protobuf/encoding/protowire"
)

// decodePush reads a body of Loki's push API: a block of snappy (not its framed format) around logproto.PushRequest. Only
// what Loki 2.9 knows is accepted:
//
//	PushRequest { repeated Stream streams = 1 }          Stream { string labels = 1; repeated Entry entries = 2 }
//	Entry { Timestamp timestamp = 1; string line = 2 }   Timestamp { int64 seconds = 1; int32 nanos = 2 }
func decodePush(body []byte) ([]Line, error) {
	message, err := snappy.Decode(nil, body)
	if err != nil {
		return nil, fmt.Errorf("not a block of snappy: %w", err)
	}
	var lines []Line
	err = eachField(message, map[protowire.Number]func(field) error{1: func(f field) error {
		return decodeStream(f.bytes, &lines)
	}})
	if err == nil && len(lines) == 0 {
		err = errors.New("a request without an entry")
	}
	return lines, err
}

func decodeStream(message []byte, lines *[]Line) error {
	var labels map[string]string
	return eachField(message, map[protowire.Number]func(field) error{
		1: func(f field) (err error) {
			labels, err = decodeLabels(string(f.bytes))
			return err
		},
		2: func(f field) error {
			line := Line{Labels: labels}
			if err := decodeEntry(f.bytes, &line); err != nil {
				return err
			}
			*lines = append(*lines, line)
			return nil
		},
	})
}

func decodeEntry(message []byte, line *Line) error {
	var seconds, nanos int64
	err := eachField(message, map[protowire.Number]func(field) error{
		1: func(f field) error {
			return eachField(f.bytes, map[protowire.Number]func(field) error{
				1: func(f field) error { seconds = int64(f.number); return nil },
				2: func(f field) error { nanos = int64(f.number); return nil },
			})
		},
		2: func(f field) error { line.Text = string(f.bytes); return nil },
	})
	line.Time = time.Unix(seconds, nanos)
	switch {
	case err != nil:
		return err
	case seconds == 0:
		return errors.New("an entry without time")
	case !utf8.ValidString(line.Text):
		return errors.New("a line that is not UTF-8")
	}
	return nil
}

// field is one field of a protobuf message, of one of the two wire types that occur.
type field struct {
	bytes  []byte
	number uint64
}

// eachField hands over the fields of a message; a field that nobody reads is an error.
func eachField(message []byte, read map[protowire.Number]func(field) error) error {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return protowire.ParseError(length)
		}
		message = message[length:]
		var f field
		switch kind {
		case protowire.BytesType:
			f.bytes, length = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			f.number, length = protowire.ConsumeVarint(message)
		default:
			return fmt.Errorf("field %d has wire type %d", number, kind)
		}
		if length < 0 {
			return protowire.ParseError(length)
		}
		message = message[length:]
		take, known := read[number]
		if !known {
			return fmt.Errorf("field %d is not known", number)
		}
		if err := take(f); err != nil {
			return err
		}
	}
	return nil
}

var labelPattern = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)=("(?:[^"\\]|\\.)*")(?:,\s*|$)`)

// decodeLabels reads {name="value", …}, of which there must be one at least.
func decodeLabels(text string) (map[string]string, error) {
	inner, opened := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !opened || !closed || inner == "" {
		return nil, fmt.Errorf("labels %q: not one at least in braces", text)
	}
	out := map[string]string{}
	for inner != "" {
		match := labelPattern.FindStringSubmatch(inner)
		if match == nil {
			return nil, fmt.Errorf("labels %q: cannot read %q", text, inner)
		}
		value, err := strconv.Unquote(match[2])
		if err != nil {
			return nil, fmt.Errorf("labels %q: %w", text, err)
		}
		if _, twice := out[match[1]]; twice {
			return nil, fmt.Errorf("labels %q: %s twice", text, match[1])
		}
		out[match[1]] = value
		inner = inner[len(match[0]):]
	}
	return out, nil
}
