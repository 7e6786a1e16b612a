// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"io"
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

// print writes all entries to the collector's log; where there is none yet (print-config, validate) to standard error.
func (r *report) print(logger *zap.Logger, stderr io.Writer) {
	quiet := logger == nil || !logger.Core().Enabled(zap.ErrorLevel)
	for _, entry := range r.entries {
		where := strings.Join(entry.path, "::")
		switch {
		case quiet:
			_, _ = fmt.Fprintf(stderr, "%s: %s: %s\n", entry.rule, where, entry.text)
		case entry.warning:
			logger.Warn(entry.text, zap.String("rule", entry.rule), zap.String("at", where))
		default:
			logger.Info(entry.text, zap.String("rule", entry.rule), zap.String("at", where))
		}
	}
}
