// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import "slices"

// profilesGate allows pipelines of profiles in service v0.158.0; it is off by default.
const profilesGate = "service.profilesSupport"

// repairProfiles leaves pipelines of profiles out, unless their feature gate is on or nothing else would run: the
// collector would refuse the whole configuration, and no agent sends profiles.
func repairProfiles(document *document, _ environment, report *report) error {
	if gateEnabled(profilesGate) {
		return nil
	}
	others := 0
	for _, pipeline := range document.pipelines() {
		if pipeline.signal != "profiles" {
			others++
		}
	}
	if others == 0 {
		return nil
	}
	var gone []pipeline
	for _, pipeline := range document.pipelines() {
		path := []string{"service", "pipelines", pipeline.id}
		if pipeline.signal != "profiles" {
			continue
		}
		document.remove(path...)
		gone = append(gone, pipeline)
		report.warn(ruleProfilesPipeline, path,
			"pipelines of profiles are not allowed without a feature gate, and this one is left out with what only it used: "+
				"remove it, or start with --feature-gates=%s", profilesGate)
	}
	for _, pipeline := range gone {
		document.removeUnused("processors", pipeline.processors)
		document.removeUnused("exporters", pipeline.exporters)
	}
	return nil
}

// removeUnused takes away those of the named components that no pipeline names any more.
func (d *document) removeUnused(section string, names []string) {
	for _, id := range d.components(section) {
		named := slices.ContainsFunc(names, func(name string) bool { return sameID(name, id) })
		if named && !d.used(section, id) {
			d.remove(section, id)
		}
	}
}
