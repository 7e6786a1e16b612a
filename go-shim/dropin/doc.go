// SPDX-License-Identifier: Apache-2.0

// Package dropin lets configurations that were written for other collectors run unchanged: it is a confmap converter.
package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"
