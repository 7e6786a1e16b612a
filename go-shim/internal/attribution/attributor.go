// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Settings say what is added.
type Settings struct {
	// Key is the attribute that the file is keyed by.
	Key string
	// Attributes are those to take from the file; all if empty.
	Attributes []string
	// Unmatched is what the file's attributes are where the key is absent or unknown, or the file says nothing; empty
	// sets nothing.
	Unmatched string
	// Aliases are the spellings of an attribute, by its name, in the order in which they are asked.
	Aliases map[string][]string
	// Agent adds the agent's name as `agent`.
	Agent bool
}

// Attributor adds attributes to telemetry, in place. Its methods may be called by several goroutines at the same time,
// Load while others are at work too: each request is treated as one file says throughout.
type Attributor struct {
	settings Settings
	now      func() time.Time
	current  atomic.Pointer[state]
	batches  sync.Pool // of *batch

	loading sync.Mutex
	slots   slots // guarded by loading
}

// state is all that requests need.
type state struct {
	layout *layout
	table  *table
}

// New returns an attributor without a file: it knows aliases and agents only.
func New(settings Settings) *Attributor {
	a := &Attributor{settings: settings, now: time.Now}
	a.settings.Aliases = maps.Clone(settings.Aliases)
	a.settings.Attributes = slices.Clone(settings.Attributes)
	a.batches.New = func() any { return &batch{} }
	layout := newLayout(&a.settings, &a.slots, nil)
	a.current.Store(&state{layout, &table{unknown: &entry{anybody: true}}})
	return a
}

// Load takes the content of a file into use, or says what is wrong with it and changes nothing. The name decides
// between CSV and YAML.
func (a *Attributor) Load(name string, content []byte) error {
	f, err := parse(name, content, a.settings.Key, a.settings.Attributes)
	if err != nil {
		return err
	}
	a.loading.Lock()
	defer a.loading.Unlock()
	former := a.current.Load().table
	if former.exact == nil {
		former = nil // there was no file before: what it says counts for all times
	}
	if len(a.slots.names)+len(f.columns) > maxSlots {
		a.slots, former = slots{}, nil
	}
	layout := newLayout(&a.settings, &a.slots, f.columns)
	a.current.Store(&state{layout, newTable(f, &a.slots, a.settings.Unmatched, former, a.now())})
	return nil
}

// Budgets are those of the file in use. They must not be changed.
func (a *Attributor) Budgets() []Budget { return a.current.Load().table.budgets }

// Users is how many keys the file in use has, patterns included.
func (a *Attributor) Users() int {
	t, count := a.current.Load().table, 0
	for _, entries := range []map[string]*entry{t.exact, t.patterns} {
		for _, e := range entries {
			if e.listed {
				count++
			}
		}
	}
	return count
}

// batch is the work on one request.
type batch struct {
	*state
	resource sight
	item     sight
	key      string // that was asked for last
	entry    *entry // what was found
	changes  []change
}

// change sets the attribute of a slot.
type change struct {
	slot  int
	value scalar
}

// begin returns a batch that goes by what is in use now; done gives it back.
func (a *Attributor) begin() *batch {
	b := a.batches.Get().(*batch)
	b.state = a.current.Load()
	b.key, b.entry = "", b.table.unknown
	return b
}

// done gives a batch back, without what it has seen: telemetry must not stay in memory for its sake.
func (a *Attributor) done(b *batch) {
	for _, sight := range []*sight{&b.resource, &b.item} {
		sight.key = ""
		clear(sight.slots[:cap(sight.slots)])
	}
	clear(b.changes[:cap(b.changes)])
	b.state, b.key, b.entry = nil, "", nil
	a.batches.Put(b)
}

// enter reads the attributes of the resource that the next items are of.
func (b *batch) enter(resource pcommon.Resource) { b.resource.look(b.layout, resource.Attributes()) }

// complete adds to the attributes of one point, record or span what is known of it. agent is empty if it is none of a
// known agent's; when is the time that it is about, 0 if that is unknown.
func (b *batch) complete(attributes pcommon.Map, agent string, when pcommon.Timestamp) {
	b.item.look(b.layout, attributes)
	key := b.item.key
	if key == "" {
		key = b.resource.key
	}
	if key == "" && agent == "" {
		return
	}
	said, unknown := b.find(key).at(when), b.table.unknown.at(when)
	b.changes = b.changes[:0]
	added := 0
	for slot := range b.layout.names {
		value, ok := b.decide(slot, said.value(slot), unknown.text(slot), agent)
		if !ok {
			continue
		}
		b.changes = append(b.changes, change{slot, value})
		if !b.item.slots[slot].own {
			added++
		}
	}
	if added > 0 { // grow once, and not for each one
		attributes.EnsureCapacity(attributes.Len() + added)
	}
	for i := range b.changes {
		b.changes[i].value.put(attributes, b.layout.names[b.changes[i].slot])
	}
}

// find asks the table, unless the last item had the same key: those of one request often have.
func (b *batch) find(key string) *entry {
	if key != b.key {
		b.key = key
		b.entry = b.table.unknown
		if key != "" {
			b.entry = b.table.find(key)
		}
	}
	return b.entry
}

// decide says what one attribute is set to: the first of what is known; see the package's comment. False if it stays as
// it is.
func (b *batch) decide(slot int, said, unknown, agent string) (scalar, bool) {
	item, resource := &b.item.slots[slot], &b.resource.slots[slot]
	switch {
	case said != "":
		return textOf(said), !item.own || item.value != textOf(said)
	case item.own:
		return scalar{}, false
	case slot == b.layout.agent && agent != "":
		return textOf(agent), true
	case b.layout.copied[slot] && min(item.rank, resource.rank) != noRank:
		if resource.rank < item.rank {
			return resource.value, true
		}
		return item.value, true
	default:
		return textOf(unknown), unknown != ""
	}
}
