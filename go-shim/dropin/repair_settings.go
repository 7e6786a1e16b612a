// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"slices"
	"strings"
)

// formerSetting is one that a component no longer has.
type formerSetting struct {
	section string
	kinds   []string   // types of components; none: all of the section
	path    []string   // below the component
	today   [][]string // where it is written today, if anywhere; what is written there already wins
	listed  bool       // whether today's setting is a list of such values
	since   string     // the release that removed it
}

// signals are those that Kafka's settings are written for one by one today.
var signals = []string{"logs", "metrics", "traces"}

// formerSettings were read from the changelogs of core v0.158.0 and contrib v0.160.0, back to v0.97, for the parts of the
// distribution; each is refused by v0.158.0 as an unknown key.
var formerSettings = []formerSetting{
	{"exporters", nil, []string{"sending_queue", "blocking"}, [][]string{{"sending_queue", "block_on_overflow"}}, false, "v0.129"},
	{"exporters", nil, []string{"sending_queue", "batch", "min_size_items"}, [][]string{{"sending_queue", "batch", "min_size"}}, false, "v0.123"},
	{"exporters", nil, []string{"sending_queue", "batch", "max_size_items"}, [][]string{{"sending_queue", "batch", "max_size"}}, false, "v0.123"},
	{"exporters", remoteWrite, []string{"export_created_metric"}, nil, false, "v0.123"},
	{"exporters", []string{"kafka"}, []string{"topic"}, eachSignal("topic"), false, "v0.148"},
	{"exporters", []string{"kafka"}, []string{"encoding"}, eachSignal("encoding"), false, "v0.148"},
	{"receivers", []string{"kafka"}, []string{"topic"}, eachSignal("topics"), true, "v0.141"},
	{"receivers", []string{"kafka"}, []string{"encoding"}, eachSignal("encoding"), false, "v0.141"},
	{"receivers", []string{"kafka"}, []string{"default_fetch_size"}, nil, false, "v0.144"},
	{"receivers", []string{"prometheus"}, []string{"use_start_time_metric"}, nil, false, "v0.143"},
	{"receivers", []string{"prometheus"}, []string{"start_time_metric_regex"}, nil, false, "v0.143"},
	{"receivers", []string{"prometheus"}, []string{"report_extra_scrape_metrics"}, nil, false, "v0.149"},
	{"receivers", []string{"prometheus"}, []string{"enable_protobuf_negotiation"}, nil, false, "v0.97"},
	{"connectors", []string{"routing"}, []string{"match_once"}, nil, false, "v0.120"},
}

var remoteWrite = []string{"prometheus_remote_write", "prometheusremotewrite"}

func eachSignal(setting string) [][]string {
	var paths [][]string
	for _, signal := range signals {
		paths = append(paths, []string{signal, setting})
	}
	return paths
}

// repairFormerSettings moves settings to where they are written today, or leaves them out where nothing takes their place.
func repairFormerSettings(document *document, _ environment, report *report) error {
	for _, former := range formerSettings {
		for _, id := range document.components(former.section) {
			kind, _ := splitID(id)
			path := append([]string{former.section, id}, former.path...)
			if len(former.kinds) > 0 && !slices.Contains(former.kinds, kind) || !document.has(path...) {
				continue
			}
			if err := former.repair(document, id, path); err != nil {
				return err
			}
			if len(former.today) == 0 {
				report.warn(ruleFormerSetting, path, "it is no longer a setting since %s, and is left out: remove it", former.since)
				continue
			}
			report.warn(ruleFormerSetting, path, "it is no longer a setting since %s, and goes on as another: write %s",
				former.since, former.names())
		}
	}
	return nil
}

func (f formerSetting) repair(document *document, id string, path []string) error {
	value := document.raw(path...)
	document.remove(path...)
	if plain(value) == nil {
		return nil
	}
	if f.listed {
		value = []any{value}
	}
	for _, today := range f.today {
		target := append([]string{f.section, id}, today...)
		if document.has(target...) {
			continue
		}
		if err := document.set(value, target...); err != nil {
			return err
		}
	}
	return nil
}

func (f formerSetting) names() string {
	names := make([]string, len(f.today))
	for i, path := range f.today {
		names[i] = strings.Join(path, "::")
	}
	return strings.Join(names, ", ")
}
