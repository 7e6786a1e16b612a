// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Bounds of what is believed. Whoever writes more is broken or hostile.
const (
	// maxTokens of one class in one request: a thousand times the largest context window. Times the dearest price it
	// stays within 64 bits of 10⁻¹² dollars.
	maxTokens = 1_000_000_000
	// maxReportedUSD is what one request can cost.
	maxReportedUSD = 1_000_000
	// maxDuration of one request.
	maxDuration = 24 * time.Hour
	// maxText bounds names that become attributes of metrics, in bytes.
	maxText = 256
	// maxNumber bounds the digits of a number that is written as text.
	maxNumber = 32
)

const picoPerUSD = 1e12

// fields reads attributes of one record or span, and notes values that cannot be meant.
type fields struct {
	attributes pcommon.Map
	// broken is set once a number was none, or outside of what is believed.
	broken bool
}

// text is the first of the attributes that holds text, cut to a bounded length; empty if none does. Clients of
// JavaScript write a missing value as the word "undefined".
func (f *fields) text(names ...string) string {
	for _, name := range names {
		if v, ok := f.attributes.Get(name); ok && v.Type() == pcommon.ValueTypeStr {
			if text := v.Str(); text != "" && text != "undefined" && text != "null" {
				return bounded(text)
			}
		}
	}
	return ""
}

// bounded cuts text that is too long to be a name, without splitting a character.
func bounded(text string) string {
	if len(text) <= maxText {
		return text
	}
	cut := maxText
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}

// flag tells whether an attribute is true; clients write it as a boolean or as text.
func (f *fields) flag(name string) (value, ok bool) {
	v, ok := f.attributes.Get(name)
	if !ok {
		return false, false
	}
	switch v.Type() {
	case pcommon.ValueTypeBool:
		return v.Bool(), true
	case pcommon.ValueTypeStr:
		return v.Str() == "true", v.Str() == "true" || v.Str() == "false"
	default:
		return false, false
	}
}

// tokens is the first of the attributes that is there, as a number of tokens.
func (f *fields) tokens(names ...string) (uint64, bool) {
	return f.count(maxTokens, names...)
}

// count is the first of the attributes that is there, as a whole number from 0 to most. What is none makes the record
// a broken one and is left out.
func (f *fields) count(most float64, names ...string) (uint64, bool) {
	for _, name := range names {
		number, state := f.number(name)
		if state == absent {
			continue
		}
		if state == unusable || number < 0 || number > most || number != math.Trunc(number) {
			f.broken = true
			continue
		}
		return uint64(number), true
	}
	return 0, false
}

// usdPico is an amount of dollars in units of 10⁻¹², read from an attribute that counts in units of unit dollars.
func (f *fields) usdPico(name string, unit float64) (int64, bool) {
	number, state := f.number(name)
	if state == absent {
		return 0, false
	}
	usd := number * unit
	if state == unusable || usd < 0 || usd > maxReportedUSD {
		f.broken = true
		return 0, false
	}
	return int64(math.Round(usd * picoPerUSD)), true
}

// milliseconds is the first of the attributes that is there, as a duration; nonsense is as good as nothing.
func (f *fields) milliseconds(names ...string) (time.Duration, bool) {
	for _, name := range names {
		number, state := f.number(name)
		if state == usable && number >= 0 && number <= float64(maxDuration/time.Millisecond) {
			return time.Duration(number * float64(time.Millisecond)), true
		}
	}
	return 0, false
}

type state int

const (
	absent state = iota
	unusable
	usable
)

// number reads a number that a client wrote as an integer, a fraction or text: clients change between these from one
// version to the next.
func (f *fields) number(name string) (float64, state) {
	v, ok := f.attributes.Get(name)
	if !ok {
		return 0, absent
	}
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return float64(v.Int()), usable
	case pcommon.ValueTypeDouble:
		return finite(v.Double())
	case pcommon.ValueTypeStr:
		return numberInText(v.Str())
	case pcommon.ValueTypeEmpty:
		return 0, absent
	default:
		return 0, unusable
	}
}

func numberInText(text string) (float64, state) {
	text = strings.TrimSpace(text)
	switch {
	case text == "" || text == "undefined" || text == "null":
		return 0, absent
	case len(text) > maxNumber:
		return 0, unusable
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, unusable
	}
	return finite(number)
}

func finite(number float64) (float64, state) {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return 0, unusable
	}
	return number, usable
}
