// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml

// Package tokenledgerprocessor is the collector component `token_ledger`: it turns delta sums into exact cumulative
// totals.
//
// The package holds what a collector component needs (configuration, lifecycle, delivery, telemetry). What becomes of
// a point is decided by the library behind internal/engine. Rules are named as in the project's design: D for delta
// input, L for lifetime and output.
package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"
