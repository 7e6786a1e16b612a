// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml

// Package lokiexporter is the collector exporter `loki`: it sends logs to the push API of Loki.
//
// Loki before 3.0 has no OTLP endpoint, and the exporter that collectors had for it was removed after v0.130. This one
// takes its settings and hints and writes the same labels and lines, so that configurations and queries made for it go on
// working. README.md lists the differences.
//
// A batch goes through these steps: parts by tenant (tenant.go), streams of entries (streams.go) with labels (labels.go)
// and lines (line_json.go, line_logfmt.go), bytes (internal/logproto), one request for each part (exporter.go), and the
// meaning of the answer (answer.go).
package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"
