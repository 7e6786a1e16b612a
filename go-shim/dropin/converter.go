// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import "go.uber.org/zap"

// converter is the confmap converter of this package.
type converter struct {
	logger *zap.Logger
}
