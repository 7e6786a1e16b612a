// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml

// Package deltatocumulativeprocessor is the collector component `delta_to_cumulative`: the settings of contrib's
// processor of that name, served by the engine of `token_ledger`. A configuration that was written for contrib's works
// unchanged and gets exact totals.
//
// The work is done by internal/accumulator; here are configuration, telemetry and the choices that fit a general
// purpose processor. Where results differ from contrib's, and why, is in the README.
package deltatocumulativeprocessor // import "github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor"
