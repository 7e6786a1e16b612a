// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.uber.org/zap"
)

// report collects what was done, in order.
type report struct {
	entries []entry
}

// entry is one thing that was changed, or is left but ought to be known.
type entry struct {
	rule    string   // identifier, the key of the README's table: "exporter-logging"
	path    []string // where in the configuration
	text    string   // what was done, or what is wrong, and the remedy: one sentence
	warning bool     // whether the person who wrote the configuration ought to act
}

// inform notes a change that is as intended.
func (r *report) inform(rule string, path []string, format string, arguments ...any) {
	r.entries = append(r.entries, entry{rule: rule, path: path, text: fmt.Sprintf(format, arguments...)})
}

// warn notes something that the person who wrote the configuration ought to change.
func (r *report) warn(rule string, path []string, format string, arguments ...any) {
	r.entries = append(r.entries, entry{rule: rule, path: path, text: fmt.Sprintf(format, arguments...), warning: true})
}

// print writes all entries once: to the collector's log, and where none of its lines is ever shown, to standard error.
// A reload prints all of them again, since they are about the configuration that runs from then on.
func (r *report) print(logger *zap.Logger, stderr io.Writer) {
	silent := !logged(logger, os.Args)
	for _, entry := range r.entries {
		switch {
		case silent:
			_, _ = fmt.Fprintln(stderr, entry)
		case entry.warning:
			logger.Warn(entry.text, zap.String("at", entry.place()), zap.String("rule", entry.rule))
		default:
			logger.Info(entry.text, zap.String("at", entry.place()), zap.String("rule", entry.rule))
		}
	}
}

// String is the line for standard error.
func (e entry) String() string {
	level := "info"
	if e.warning {
		level = "warning"
	}
	return fmt.Sprintf("%s: %s: %s: %s", level, e.rule, e.place(), e.text)
}

func (e entry) place() string {
	return strings.Join(e.path, "::")
}

// logged tells whether lines of the logger are shown. print-config has none; validate has one that keeps all lines for
// a start that never comes (otelcol v0.158.0: NewCollector buffers, only Run writes out, DryRun does not).
func logged(logger *zap.Logger, arguments []string) bool {
	return logger != nil && logger.Core().Enabled(zap.ErrorLevel) && subCommand(arguments) != "validate"
}

// subCommand is the first argument of a command line that is neither a flag nor the value of one, "" if there is none.
func subCommand(arguments []string) string {
	for i := 1; i < len(arguments); i++ {
		argument := arguments[i]
		switch {
		case !strings.HasPrefix(argument, "-"):
			return argument
		case strings.Contains(argument, "="), i+1 < len(arguments) && strings.HasPrefix(arguments[i+1], "-"):
		default:
			i++ // the value of --config, --set or --feature-gates
		}
	}
	return ""
}

// has tells whether something was noted under a rule at a place.
func (r *report) has(rule string, path []string) bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.rule == rule && slices.Equal(e.path, path) })
}
