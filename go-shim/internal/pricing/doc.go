// SPDX-License-Identifier: Apache-2.0

// Package pricing keeps the price table that a component uses: the built-in one, with the user's file before it where
// there is one, which is read again when it changes. A file that cannot be used leaves the former table in use and says
// why.
package pricing // import "github.com/tokenledger/tokenledger/go-shim/internal/pricing"
