// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// logs writes the cost onto every record that reports a request which was answered.
func (e *enricher) logs(ld plog.Logs) {
	if e == nil {
		return
	}
	received := time.Now()
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				e.removeForged(record.Attributes())
				r, ok := events.FromLog(rl.Resource().Attributes(), sl.Scope().Name(), record, received)
				if ok && !r.Failed {
					e.put(record.Attributes(), r)
				}
			}
		}
	}
}
