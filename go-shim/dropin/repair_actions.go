// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// actionLists names the setting that holds the actions of a processor.
var actionLists = map[string]string{"attributes": "actions", "resource": "attributes"}

// repairActions leaves out actions that would set an attribute, but say no value: the processor then refuses to start.
// The usual way there is a variable that is not set: `value: ${env:TEAM}` resolves to nothing. A collector before v0.104
// set an empty text instead, which Prometheus treats as no label, so leaving the action out comes to the same. A processor
// without any action left is taken out, since it is refused as well.
func repairActions(document *document, _ environment, report *report) error {
	for _, id := range document.components("processors") {
		kind, _ := splitID(id)
		list, known := actionLists[kind]
		if !known {
			continue
		}
		path := []string{"processors", id, list}
		actions, _ := plain(document.raw(path...)).([]any)
		kept := make([]any, 0, len(actions))
		for i, action := range actions {
			entries, _ := plain(action).(map[string]any)
			if !withoutValue(entries) {
				kept = append(kept, action)
				continue
			}
			report.warn(ruleActionValue, append(path, strconv.Itoa(i)), "the action %s of %q has no value and is left out: %s",
				written(entries["action"]), written(entries["key"]), valueRemedy(entries))
		}
		switch {
		case len(kept) == len(actions):
		case len(kept) > 0:
			if err := document.set(kept, path...); err != nil {
				return err
			}
		default:
			if err := document.drop("processors", id); err != nil {
				return err
			}
			report.warn(ruleActionValue, path[:2], "no action is left, so the processor is taken out: remove it")
		}
	}
	return nil
}

func valueRemedy(action map[string]any) string {
	if _, variable := action["value"].(xconfmap.ExpandedValue); variable {
		return "set its variable, give it a default (${env:NAME:-value}), or remove the action"
	}
	return "write a value, or remove the action"
}

// withoutValue tells whether an action sets an attribute to nothing. The sources of a value are those that the processors
// count (internal/coreinternal/attraction of contrib v0.158.0).
func withoutValue(action map[string]any) bool {
	switch strings.ToLower(written(action["action"])) {
	case "insert", "update", "upsert":
	default:
		return false
	}
	return plain(action["value"]) == nil && plain(action["default_value"]) == nil &&
		written(action["from_attribute"]) == "" && written(action["from_context"]) == ""
}
