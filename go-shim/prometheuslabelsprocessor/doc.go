// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml

// Package prometheuslabelsprocessor is the collector processor `prometheus_labels`. It stands directly before the stock
// `prometheus` exporter, which leaves a series out of its page if two of its labels get one name, and settles the
// labels of every point so that this does not happen. Where nothing collides the page is what it was.
//
// The order of reading: processor.go walks a request; resource.go decides on `job` and `instance`, scope.go on what the
// exporter shows of the scope, point.go on what stands on a point, settle.go on names that collide. What the exporter
// makes of a name is in names.go and labels.go. All rules restate the exporter of contrib v0.158.0; compare/labels holds
// them against the real one.
package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"
