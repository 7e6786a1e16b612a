// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import "strings"

// What the exporter `logging` did where nothing was written, unlike `debug` (basic, each record): it printed one line for
// each record, and after the first two of a second one of 500. Source: contrib and core v0.110, the last with it.
const (
	loggingVerbosity  = "normal"
	loggingThereafter = 500
)

// repairLogging turns the exporter `logging`, which core v0.111 removed, into `debug`, which prints the same.
func repairLogging(document *document, _ environment, report *report) error {
	for _, id := range document.components("exporters") {
		kind, name := splitID(id)
		if kind != "logging" {
			continue
		}
		to := document.free("exporters", "debug", name, "logging")
		if err := document.rename("exporters", id, to); err != nil {
			return err
		}
		verbosity := debugVerbosity(document, to)
		document.remove("exporters", to, "loglevel")
		if err := document.set(verbosity, "exporters", to, "verbosity"); err != nil {
			return err
		}
		if document.get("exporters", to, "sampling_thereafter") == nil {
			if err := document.set(loggingThereafter, "exporters", to, "sampling_thereafter"); err != nil {
				return err
			}
		}
		report.warn(ruleExporterLogging, []string{"exporters", id},
			"the exporter logging was removed in v0.111 and runs as %q: write %q with verbosity: %v", to, to, verbosity)
	}
	return nil
}

// debugVerbosity is what a `logging` exporter's settings mean for `debug`: its verbosity, else the log level that it took
// before v0.73 (debug printed everything, info a line for each record, less only counts).
func debugVerbosity(document *document, id string) any {
	if verbosity := document.get("exporters", id, "verbosity"); verbosity != nil {
		return verbosity
	}
	switch strings.ToLower(document.text("exporters", id, "loglevel")) {
	case "debug":
		return "detailed"
	case "info", "":
		return loggingVerbosity
	}
	return "basic"
}
