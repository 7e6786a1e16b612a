// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import "slices"

// repairSuffixes keeps metric names without suffixes. The exporter prometheus still takes `add_metric_suffixes: false`,
// but ignores it since the gate exporter.prometheusexporter.DisableAddMetricSuffixes is on by default (v0.132), so that
// all names would change. prometheus_remote_write v0.158.0 still honours it.
//
// A file does not say which collector it ran on: dashboards made since v0.132 ask for names with suffixes in spite of the
// setting (three of the four public configurations that have it). So addNames adds those, unless automation is off.
func repairSuffixes(document *document, _ environment, report *report) error {
	for _, id := range document.components("exporters") {
		path := suffixesPath(id)
		added, written := document.get(path...).(bool)
		if kind, _ := splitID(id); kind != "prometheus" || !written || added {
			continue
		}
		if document.text("exporters", id, "translation_strategy") != "" {
			continue // which wins, in older collectors too
		}
		document.remove(path...)
		if err := document.set(withoutSuffixes, "exporters", id, "translation_strategy"); err != nil {
			return err
		}
		report.warn(ruleMetricSuffixes, path,
			"add_metric_suffixes is ignored since v0.132, so the same is set by translation_strategy: write "+
				"translation_strategy: %s, or UnderscoreEscapingWithSuffixes if your dashboards ask for names with _total", withoutSuffixes)
	}
	return nil
}

func suffixesPath(exporter string) []string {
	return []string{"exporters", exporter, "add_metric_suffixes"}
}

// withoutSuffixes is the translation strategy that names metrics as `add_metric_suffixes: false` did.
const withoutSuffixes = "UnderscoreEscapingWithoutSuffixes"

// repairResourceLabels translates `resource_constant_labels` (contrib v0.160) to `resource_to_telemetry_conversion`, the
// only form that v0.158.0 knows. That turns all resource attributes into labels, so a list of excluded ones has no
// translation: it may be there to keep a person's address out, and stays for the collector to refuse.
func repairResourceLabels(document *document, _ environment, report *report) error {
	for _, id := range document.components("exporters") {
		kind, _ := splitID(id)
		path := []string{"exporters", id, "resource_constant_labels"}
		if !takesResourceLabels[kind] || !document.has(path...) {
			continue
		}
		included, _ := document.get(append(slices.Clone(path), "included")...).([]any)
		excluded, _ := document.get(append(slices.Clone(path), "excluded")...).([]any)
		if len(excluded) > 0 {
			report.warn(ruleResourceLabels, path,
				"this collector cannot exclude resource attributes from labels: write resource_to_telemetry_conversion: "+
					"{enabled: true} instead, and delete the attributes with a resource processor")
			continue
		}
		document.remove(path...)
		if len(included) == 0 {
			report.warn(ruleResourceLabels, path, "nothing is included, so nothing is lost without it: remove it")
			continue
		}
		if err := document.set(true, "exporters", id, "resource_to_telemetry_conversion", "enabled"); err != nil {
			return err
		}
		report.warn(ruleResourceLabels, path, "this collector makes either all resource attributes labels or none, and makes all: "+
			"write resource_to_telemetry_conversion: {enabled: true}")
	}
	return nil
}

var takesResourceLabels = map[string]bool{
	"prometheus": true, "prometheusremotewrite": true, "prometheus_remote_write": true,
}
