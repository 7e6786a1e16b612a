// SPDX-License-Identifier: Apache-2.0

// Command sbom writes what the image consists of as a CycloneDX document: the Go modules that the linker recorded in the
// collector binary, and the crates that the engine and the command line are made of.
//
// One document for both, because the collector is one binary of both: tools that know only one of the two languages would
// each miss half of it.
//
//	cargo tree -p tokenledger-ffi -p tokenledger-cli -e normal,no-proc-macro --prefix none --format $'{p}\t{l}' |
//	  go run ./sbom -collector ../build/otelcol-tokenledger
package main

import (
	"debug/buildinfo"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	collector := flag.String("collector", "", "the built collector, from which the Go modules are read")
	version := flag.String("version", "unknown", "version of the image")
	seconds := flag.Int64("time", 0, "time of the document in Unix seconds")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *collector, *version, time.Unix(*seconds, 0)); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// run reads the output of cargo tree and writes the document.
func run(tree io.Reader, out io.Writer, collector, version string, at time.Time) error {
	info, err := buildinfo.ReadFile(collector)
	if err != nil {
		return fmt.Errorf("the Go modules of %s: %w", collector, err)
	}
	crates, err := crates(tree)
	if err != nil {
		return fmt.Errorf("the output of cargo tree: %w", err)
	}
	return write(out, append(goModules(info), crates...), version, at)
}

// write sorts nothing: both parts come in a fixed order, so that two builds are alike. The serial number, random by the
// standard's advice, is left out for the same reason.
func write(out io.Writer, components []cdx.Component, version string, at time.Time) error {
	document := cdx.NewBOM()
	document.Metadata = &cdx.Metadata{
		Timestamp: at.UTC().Format(time.RFC3339),
		Component: &cdx.Component{
			BOMRef: "otelcol-tokenledger", Type: cdx.ComponentTypeContainer, Name: "otelcol-tokenledger", Version: version,
			Licenses: &cdx.Licenses{{Expression: "Apache-2.0"}},
		},
	}
	document.Components = &components
	return cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(document, cdx.SpecVersion1_6)
}
