// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

// insert puts token_ledger where metrics go to Prometheus.
func insert(*document, environment, *report) error {
	return nil
}
