// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// health is the status of the component, as health checks show it. It may be degraded for several reasons at once, and
// is well again when the last of them has ended.
type health struct {
	host component.Host

	mu      sync.Mutex
	reasons []error
}

// degrade begins a reason; that it has begun already changes nothing.
func (h *health) degrade(reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.reasons, reason) {
		return
	}
	h.reasons = append(h.reasons, reason)
	componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(reason))
}

// restore ends a reason.
func (h *health) restore(reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := slices.Index(h.reasons, reason)
	if at < 0 {
		return
	}
	h.reasons = slices.Delete(h.reasons, at, at+1)
	event := componentstatus.NewEvent(componentstatus.StatusOK)
	if len(h.reasons) > 0 {
		event = componentstatus.NewRecoverableErrorEvent(h.reasons[0])
	}
	componentstatus.ReportStatus(h.host, event)
}

// replace ends a reason, if there is one, and begins another one, if there is one.
func (h *health) replace(former, reason error) {
	if former != nil {
		h.restore(former)
	}
	if reason != nil {
		h.degrade(reason)
	}
}
