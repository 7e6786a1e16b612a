// SPDX-License-Identifier: Apache-2.0

// Package prometheuslabelsprocessor is the collector processor `prometheus_labels`: it settles labels that collide on a
// Prometheus page, where the exporter would drop the whole metric.
package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"
