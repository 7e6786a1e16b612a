// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// table is what a file says, ready to be asked. It never changes; a newer file makes a newer table.
type table struct {
	exact    map[string]*entry // by folded key
	patterns map[string]*entry // by what addresses end in, see patternSuffix
	unknown  *entry            // for everybody else
	budgets  []Budget
}

// entry is what is said of one key, and since when.
type entry struct {
	values   []string          // by slot, see slots; empty where nothing is said
	anybody  bool              // it is what is said of everybody without an entry of their own
	listed   bool              // the file has it; else it is kept for what the file said before
	left     pcommon.Timestamp // when the file had it last, if it is not listed
	since    pcommon.Timestamp // 0: for as long as anybody knows
	previous *entry            // what was said before since
}

// at is what was said at a time; 0 is now.
func (e *entry) at(when pcommon.Timestamp) *entry {
	if when == 0 {
		return e
	}
	for e.previous != nil && when < e.since {
		e = e.previous
	}
	return e
}

// value is the text for a slot, empty if the file says nothing of this key.
func (e *entry) value(slot int) string {
	if e.anybody {
		return ""
	}
	return e.text(slot)
}

// text is the text for a slot, whoever it is meant for.
func (e *entry) text(slot int) string {
	if slot < len(e.values) {
		return e.values[slot]
	}
	return ""
}

// find returns what is said of a key: under itself, else under the longest pattern that fits, else of everybody.
func (t *table) find(key string) *entry {
	folded, at := foldedKey(key)
	if found, ok := t.exact[folded]; ok {
		return found
	}
	if at < 0 || len(t.patterns) == 0 {
		return t.unknown
	}
	return t.fallback(folded[at:])
}

// fallback returns what the longest pattern says that fits a domain, which begins with @, or the domains above it.
func (t *table) fallback(domain string) *entry {
	for {
		if found, ok := t.patterns[domain]; ok {
			return found
		}
		if len(domain) == 0 {
			return t.unknown
		}
		next := strings.IndexByte(domain[1:], '.')
		if next < 0 {
			return t.unknown
		}
		domain = domain[1+next:]
	}
}

// newTable makes a table of a file. unmatched is what the file's attributes are where nobody is responsible. What is
// said otherwise than in former, which may be nil, counts from now on.
func newTable(f *file, slots *slots, unmatched string, former *table, now time.Time) *table {
	t := &table{
		exact:    make(map[string]*entry, len(f.users)),
		patterns: map[string]*entry{},
		unknown:  &entry{anybody: true},
		budgets:  f.budgets,
	}
	places := make([]int, len(f.columns))
	for i, name := range f.columns {
		places[i] = slots.of(name)
	}
	everybody := make([]string, len(f.columns))
	for i := range everybody {
		everybody[i] = unmatched
	}
	t.unknown.values = bySlot(everybody, places)
	rows := map[*string][]string{} // rows that share their values go on doing so
	for _, user := range f.users {
		e := &entry{listed: true}
		if len(user.values) > 0 {
			first := &user.values[0]
			if rows[first] == nil {
				rows[first] = bySlot(user.values, places)
			}
			e.values = rows[first]
		}
		folded, _ := foldedKey(user.key)
		if isPattern(user.key) {
			suffix, _ := patternSuffix(user.key) // the file's reader has refused others
			t.patterns[suffix] = e
		} else {
			t.exact[folded] = e
		}
	}
	if former != nil {
		t.follow(former, pcommon.NewTimestampFromTime(now))
	}
	return t
}

// bySlot puts the values of columns at their slots.
func bySlot(values []string, places []int) []string {
	var out []string
	for i, value := range values {
		if value == "" {
			continue
		}
		for len(out) <= places[i] {
			out = append(out, "")
		}
		out[places[i]] = value
	}
	return out
}
