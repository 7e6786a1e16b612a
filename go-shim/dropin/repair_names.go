// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import "strings"

// renamed lists types that are called otherwise in the distribution, beyond underscores.
var renamed = map[string]map[string]string{
	"extensions": {
		// The second generation of health checks is a component of its own in some distributions.
		"healthcheckv2":   "health_check",
		"health_check_v2": "health_check",
	},
}

// repairNames gives components the names that v0.158.0 takes. Core and contrib are moving all names to words joined by
// underscores, some releases earlier than others (contrib #45339): a configuration written for an older or a newer
// collector may use the other spelling. Old names that are still aliases (`otlphttp`) stay as they are.
func repairNames(document *document, _ environment, report *report) error {
	for _, section := range sections {
		for _, id := range document.components(section) {
			kind, name := splitID(id)
			today, known := todaysName(section, kind)
			if !known || document.has(section, joinID(today, name)) {
				continue
			}
			if err := document.rename(section, id, joinID(today, name)); err != nil {
				return err
			}
			if section == "extensions" {
				if err := renameExtensionUses(document, id, joinID(today, name)); err != nil {
					return err
				}
			}
			report.warn(ruleComponentName, []string{section, id},
				"%s %q is called %q in this collector and runs under that name: write %q",
				strings.TrimSuffix(section, "s"), kind, today, joinID(today, name))
		}
	}
	return nil
}

func todaysName(section, kind string) (string, bool) {
	if shipped(section, kind) {
		return "", false
	}
	if today, known := renamed[section][kind]; known {
		return today, true
	}
	return spelling(section, kind)
}

// extensionUses are settings that name an extension: authenticators of clients and servers, stores of queues.
var extensionUses = map[string]bool{"authenticator": true, "storage": true}

// renameExtensionUses follows the new name of an extension into the settings of components, at any depth.
func renameExtensionUses(document *document, from, to string) error {
	for _, section := range sections {
		for _, id := range document.components(section) {
			for _, path := range usesBelow(document.get(section, id), from, []string{section, id}) {
				if err := document.set(to, path...); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func usesBelow(value any, extension string, path []string) [][]string {
	entries, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	var paths [][]string
	for key, value := range entries {
		below := append(append([]string{}, path...), key)
		if name, ok := value.(string); ok && extensionUses[key] && sameID(name, extension) {
			paths = append(paths, below)
			continue
		}
		paths = append(paths, usesBelow(value, extension, below)...)
	}
	return paths
}
