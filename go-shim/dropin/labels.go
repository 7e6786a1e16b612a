// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

// settleLabels puts prometheus_labels before exporters whose labels may collide.
func settleLabels(*document, environment, *report) error {
	return nil
}
