// SPDX-License-Identifier: Apache-2.0

// Package lokiexporter is the collector exporter `loki`: it sends logs to the push API of Loki.
package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"
