// SPDX-License-Identifier: Apache-2.0

// Package dropin lets configurations that were written for other collectors run unchanged. It is a confmap converter: it
// sees the resolved configuration before any component does, changes it in place, and says what it changed.
//
// Steps, in this order (converter.go):
//
//	repairs      what the collector of today refuses or no longer honours (repairs.go; one file per subject)
//	insertion    token_ledger at the end of metrics pipelines that feed Prometheus (insertion*.go)
//	labels       prometheus_labels before exporters that would drop metrics whose labels collide (labels.go)
//	names        further families of metric names, on request (names.go)
//	warnings     what is left as it is, but ought to be known (warnings.go)
//
// A configuration that needs nothing stays as it is, to the byte.
package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"
