// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// Health is the status of a component that watches files: a recoverable error while one of them cannot be used, and well
// when the last of them can be again. It fits components without other reasons for a status.
type Health struct {
	host component.Host

	mu      sync.Mutex
	reasons []*reasonOf // that last, the oldest first
}

// reasonOf is why one file cannot be used, nil if it can.
type reasonOf struct{ reason error }

// NewHealth returns the status of the component that host was given to.
func NewHealth(host component.Host) *Health { return &Health{host: host} }

// Reporter returns a Settings.Status for one more file.
func (h *Health) Reporter() func(reason error) {
	file := &reasonOf{}
	return func(reason error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		file.reason = reason
		h.reasons = slices.DeleteFunc(h.reasons, func(other *reasonOf) bool { return other == file })
		if reason != nil {
			h.reasons = append(h.reasons, file)
		}
		event := componentstatus.NewEvent(componentstatus.StatusOK)
		if len(h.reasons) > 0 {
			event = componentstatus.NewRecoverableErrorEvent(h.reasons[len(h.reasons)-1].reason)
		}
		componentstatus.ReportStatus(h.host, event)
	}
}

// ReportTo returns a Settings.Status for a component that watches one file.
func ReportTo(host component.Host) func(reason error) { return NewHealth(host).Reporter() }
