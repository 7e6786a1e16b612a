// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

// repair repairs what the collector of today refuses.
func repair(*document, environment, *report) error {
	return nil
}
