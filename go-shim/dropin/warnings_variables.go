// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import "strings"

// variables are those that this package reads. Names differ in one underscore by history: what steers the converter begins
// with TOKEN_LEDGER_, as the component is called; what collector-config/default.yaml reads with TOKENLEDGER_.
var variables = []string{autoVariable, namesVariable, promoteVariable, stateVariable, delayVariable, hostVariable}

// warnOfVariableNames: a variable with the other one of the two prefixes would be ignored without a word.
func warnOfVariableNames(_ *document, environment environment, report *report) {
	for _, name := range variables {
		other := otherPrefix(name)
		if _, set := environment.lookup(other); set {
			report.warn(ruleVariableName, []string{other}, "this environment variable means nothing: write %s", name)
		}
	}
}

func otherPrefix(name string) string {
	if rest, found := strings.CutPrefix(name, "TOKEN_LEDGER_"); found {
		return "TOKENLEDGER_" + rest
	}
	return "TOKEN_LEDGER_" + strings.TrimPrefix(name, "TOKENLEDGER_")
}
