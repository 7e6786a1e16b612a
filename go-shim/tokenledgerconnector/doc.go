// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml

// Package tokenledgerconnector is the collector component `token_ledger` that stands between pipelines: it counts the
// requests in logs and traces of coding agents, and makes metrics of them.
//
// The package holds what a connector needs: configuration, memory of what was counted, points, telemetry. What a
// record means is decided in internal/events, what it cost by the library behind internal/engine.
package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"
