// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

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
	for _, pipeline := range document.pipelines() {
		path := []string{"service", "pipelines", pipeline.id}
		if pipeline.signal != "profiles" || others == 0 {
			continue
		}
		document.remove(path...)
		report.warn(ruleProfilesPipeline, path,
			"pipelines of profiles are not allowed without a feature gate, and this one is left out: remove it, or start with "+
				"--feature-gates=%s", profilesGate)
	}
	return nil
}
