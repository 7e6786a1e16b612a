// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// What a value that came from a variable needs: it has two forms, the one YAML reads and the one that was written, and
// confmap.Conf.Get and ToStringMap give the first alone. Whatever is taken from the configuration to be written again,
// elsewhere or shortened, is taken by raw, which keeps both.

// raw returns a copy of the value at a path with both forms of what came from variables.
func (d *document) raw(path ...string) any {
	value := any(xconfmap.ToStringMapRaw(d.conf))
	for _, key := range path {
		entries, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = entries[key]
	}
	return value
}

// plain returns the form of a raw value that YAML reads.
func plain(value any) any {
	if expanded, ok := value.(xconfmap.ExpandedValue); ok {
		return expanded.Value
	}
	return value
}

// text returns a single value as it was written: "0.0.0.0:8888", "true", "". Maps and lists have no text.
func (d *document) text(path ...string) string {
	return written(d.raw(path...))
}

// written returns the textual form of a raw value.
func written(value any) string {
	switch value := value.(type) {
	case xconfmap.ExpandedValue:
		return strings.TrimSpace(value.Original)
	case nil, map[string]any, []any:
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(value))
}

// move takes a value from one place to another, in both its forms.
func (d *document) move(from, to []string) error {
	value := d.raw(from...)
	d.remove(from...)
	return d.set(value, to...)
}

// structure lists the places where sections, components and pipelines are written: what is above their settings.
var structure = [][]string{
	{"receivers"}, {"processors"}, {"exporters"}, {"connectors"}, {"extensions"},
	{"service"}, {"service", "pipelines"}, {"service", "telemetry"}, {"service", "telemetry", "metrics"},
}

// open replaces sections and components that came as a whole from a variable or a file (`exporters: ${file:x.yaml}`) by
// what they hold, so that paths lead into them. They are maps for the collector in any case, so nothing is lost.
func (d *document) open() error {
	for _, path := range structure {
		if err := d.openAt(path); err != nil {
			return err
		}
		if path[0] == "service" && len(path) != 2 {
			continue
		}
		for _, id := range d.components(path...) {
			if err := d.openAt(append(slices.Clone(path), id)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *document) openAt(path []string) error {
	expanded, ok := d.raw(path...).(xconfmap.ExpandedValue)
	if !ok {
		return nil
	}
	entries, ok := expanded.Value.(map[string]any)
	if !ok {
		return nil
	}
	return d.set(entries, path...)
}

// rename gives a component another identifier, in its section and wherever the service names it.
func (d *document) rename(section, from, to string) error {
	if err := d.move([]string{section, from}, []string{section, to}); err != nil {
		return err
	}
	return d.eachReference(section, func(name string) (string, bool) {
		if sameID(name, from) {
			return to, true
		}
		return name, true
	})
}

// drop removes a component from its section and from wherever the service names it.
func (d *document) drop(section, id string) error {
	d.remove(section, id)
	return d.eachReference(section, func(name string) (string, bool) { return name, !sameID(name, id) })
}

// eachReference passes the names in the lists of the service that refer to a section through a function, which returns
// the name to write, and whether the entry stays. Lists in which nothing changes are not touched, and entries that are
// no names stay as they are: the collector reports them.
func (d *document) eachReference(section string, change func(name string) (string, bool)) error {
	for _, path := range d.references(section) {
		list := listed(plain(d.raw(path...)))
		kept, changed := make([]any, 0, len(list)), false
		for _, entry := range list {
			name, isName := plain(entry).(string)
			if !isName {
				kept = append(kept, entry)
				continue
			}
			other, stays := change(name)
			switch {
			case !stays:
				changed = true
			case other != name:
				changed = true
				kept = append(kept, other)
			default:
				kept = append(kept, entry)
			}
		}
		if !changed {
			continue
		}
		if err := d.set(kept, path...); err != nil {
			return err
		}
	}
	return nil
}

// listed returns the entries of a list. One that is written as text is separated at commas, as the collector does it.
func listed(value any) []any {
	switch value := value.(type) {
	case []any:
		return value
	case string:
		if value == "" {
			return nil
		}
		var entries []any
		for name := range strings.SplitSeq(value, ",") {
			entries = append(entries, name)
		}
		return entries
	}
	return nil
}

// references lists the places of the service where components of a section are named.
func (d *document) references(section string) [][]string {
	if section == "extensions" {
		return [][]string{{"service", "extensions"}}
	}
	lists := []string{section}
	if section == "connectors" {
		lists = []string{"receivers", "exporters"}
	}
	var paths [][]string
	for _, pipeline := range d.components("service", "pipelines") {
		for _, list := range lists {
			paths = append(paths, []string{"service", "pipelines", pipeline, list})
		}
	}
	return paths
}

// used tells whether the service names a component.
func (d *document) used(section, id string) bool {
	for _, path := range d.references(section) {
		if slices.ContainsFunc(d.names(path...), func(name string) bool { return sameID(name, id) }) {
			return true
		}
	}
	return false
}

// free returns an identifier of a type that no component of the section has: "debug/x", else "debug/x_logging", else
// "debug/x_logging_2" and so on.
func (d *document) free(section, kind, name, origin string) string {
	candidate := joinID(kind, name)
	for i := 1; d.has(section, candidate) || d.has("connectors", candidate); i++ {
		parts := slices.DeleteFunc([]string{name, origin}, func(part string) bool { return part == "" })
		if i > 1 {
			parts = append(parts, fmt.Sprint(i))
		}
		candidate = joinID(kind, strings.Join(parts, "_"))
	}
	return candidate
}

// splitID separates an identifier into type and name: "prometheus", "2" for "prometheus/2".
func splitID(id string) (kind, name string) {
	kind, name, _ = strings.Cut(id, "/")
	return strings.TrimSpace(kind), strings.TrimSpace(name)
}

func joinID(kind, name string) string {
	if name == "" {
		return kind
	}
	return kind + "/" + name
}

// sameID compares identifiers as the collector does: spaces around their parts do not count.
func sameID(a, b string) bool {
	kindA, nameA := splitID(a)
	kindB, nameB := splitID(b)
	return kindA == kindB && nameA == nameB
}
