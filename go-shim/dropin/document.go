// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"slices"
	"sort"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// document is a configuration that is read and changed key by key. What no change touches keeps its values as they were
// written: a value that came from a variable has a typed and a textual form, of which each component takes what it needs,
// and rebuilding the whole configuration would lose the second ("007" would become 7).
//
// A path is one key per argument: get("exporters", "prometheus/2", "endpoint").
type document struct {
	conf *confmap.Conf
}

// get returns the value at a path, nil if there is none or it is empty.
func (d *document) get(path ...string) any {
	return d.conf.Get(key(path))
}

// has tells whether something is written at a path, even if it is empty (`batch:`).
func (d *document) has(path ...string) bool {
	return d.conf.IsSet(key(path))
}

// set writes a value. Lists and maps that were there are replaced, not merged.
func (d *document) set(value any, path ...string) error {
	d.remove(path...)
	return d.conf.Merge(nested(value, path))
}

// nested is a configuration that has only a value at a path.
func nested(value any, path []string) *confmap.Conf {
	for _, key := range slices.Backward(path) {
		value = map[string]any{key: value}
	}
	return confmap.NewFromStringMap(value.(map[string]any))
}

// remove takes a value away, and tells whether it was there. The map around it stays, even if it is empty then.
func (d *document) remove(path ...string) bool {
	if !d.conf.Delete(key(path)) {
		return false
	}
	// Deleting the last key of a map deletes the map too, which may be a component without settings.
	if parent := path[:len(path)-1]; len(parent) > 0 && !d.has(parent...) {
		_ = d.conf.Merge(nested(map[string]any{}, parent))
	}
	return true
}

// components lists the identifiers in a section ("receivers", "exporters" ...), sorted; of any map, its keys.
func (d *document) components(section ...string) []string {
	entries, _ := d.get(section...).(map[string]any)
	ids := make([]string, 0, len(entries))
	for id := range entries {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

// pipeline is one entry of service::pipelines.
type pipeline struct {
	id         string // as written: "metrics", "metrics/prometheus"
	signal     string // "metrics", "logs", "traces", "profiles"
	receivers  []string
	processors []string
	exporters  []string
}

// pipelines lists all pipelines, sorted by identifier. Lists that are not lists of names are left out: the collector
// reports them itself.
func (d *document) pipelines() []pipeline {
	entries, _ := d.get("service", "pipelines").(map[string]any)
	pipelines := make([]pipeline, 0, len(entries))
	for id := range entries {
		signal, _, _ := strings.Cut(id, "/")
		pipelines = append(pipelines, pipeline{
			id:         id,
			signal:     signal,
			receivers:  d.names("service", "pipelines", id, "receivers"),
			processors: d.names("service", "pipelines", id, "processors"),
			exporters:  d.names("service", "pipelines", id, "exporters"),
		})
	}
	sort.Slice(pipelines, func(i, j int) bool { return pipelines[i].id < pipelines[j].id })
	return pipelines
}

// names reads a list of strings. One that is written as text is separated at commas, as the collector does it.
func (d *document) names(path ...string) []string {
	list := listed(d.get(path...))
	names := make([]string, 0, len(list))
	for _, entry := range list {
		if name, ok := entry.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// setNames writes a list of strings.
func (d *document) setNames(names []string, path ...string) error {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	return d.set(list, path...)
}

// componentType is the type in an identifier: "prometheus" in "prometheus/2".
func componentType(id string) string {
	kind, _ := splitID(id)
	return kind
}

func key(path []string) string {
	return strings.Join(path, confmap.KeyDelimiter)
}
