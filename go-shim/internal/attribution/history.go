// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Bounds of what is remembered of former files.
const (
	// maxHistory is how many former statements are kept of one key.
	maxHistory = 8
	// maxAge is how long what has ended is kept; members of cumulative streams are remembered as long (T3).
	maxAge = 30 * 24 * time.Hour
)

// follow gives each entry of a new table what was said before it, so that points of former times get what they got then.
// It comes before the table is used.
func (t *table) follow(former *table, now pcommon.Timestamp) {
	t.unknown.follow(former.unknown, now)
	for suffix := range former.patterns {
		if _, ok := t.patterns[suffix]; !ok {
			t.keep(t.patterns, suffix, t.fallback(above(suffix)), former.patterns[suffix], now)
		}
	}
	for suffix, e := range t.patterns {
		if e.listed {
			e.follow(former.fallback(suffix), now)
		}
	}
	for key, said := range former.exact {
		if _, ok := t.exact[key]; !ok {
			t.keep(t.exact, key, t.fallbackOf(key), said, now)
		}
	}
	for key, e := range t.exact {
		if e.listed {
			e.follow(former.find(key), now)
		}
	}
}

// keep remembers what was said under a name that the new file does not have. said is what the former table had.
func (t *table) keep(into map[string]*entry, name string, instead, said *entry, now pcommon.Timestamp) {
	e := &entry{values: instead.values, anybody: instead.anybody, left: said.left}
	if said.listed {
		e.left = now
	}
	e.follow(said, now)
	if e.previous != nil && !isOld(e.left, now) {
		into[name] = e
	}
}

// fallbackOf is what is said of a key that has no entry of its own.
func (t *table) fallbackOf(key string) *entry {
	at := strings.LastIndexByte(key, '@')
	if at < 0 {
		return t.unknown
	}
	return t.fallback(key[at:])
}

// above is the next domain above one; empty if there is none.
func above(domain string) string {
	next := strings.IndexByte(domain[1:], '.')
	if next < 0 {
		return ""
	}
	return domain[1+next:]
}

// follow puts an entry behind what was said before: it says the same and goes on with it, or it counts from now on.
func (e *entry) follow(former *entry, now pcommon.Timestamp) {
	if e.anybody == former.anybody && sameValues(e.values, former.values) {
		e.since, e.previous = former.since, former.previous
		return
	}
	e.since, e.previous = now, former.shortened(maxHistory, now)
}

// shortened is an entry with at most so many statements, itself included, and without those that have ended long ago.
func (e *entry) shortened(most int, now pcommon.Timestamp) *entry {
	copied := *e
	if e.previous != nil {
		if most <= 1 || isOld(e.since, now) {
			copied.previous = nil
		} else {
			copied.previous = e.previous.shortened(most-1, now)
		}
	}
	return &copied
}

func isOld(ended, now pcommon.Timestamp) bool {
	return now.AsTime().Sub(ended.AsTime()) > maxAge
}

// sameValues compares by slot; slots at the end may be missing.
func sameValues(a, b []string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for i, value := range b {
		if i < len(a) && a[i] != value || i >= len(a) && value != "" {
			return false
		}
	}
	return true
}
