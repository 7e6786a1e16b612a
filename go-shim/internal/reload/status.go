// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// ReportTo returns a Settings.Status that shows a failure as a recoverable error of the component that host was given
// to, and its end as well. It fits components without other reasons for a status: one that has some must not report that
// it is well while another reason lasts.
func ReportTo(host component.Host) func(reason error) {
	return func(reason error) {
		event := componentstatus.NewEvent(componentstatus.StatusOK)
		if reason != nil {
			event = componentstatus.NewRecoverableErrorEvent(reason)
		}
		componentstatus.ReportStatus(host, event)
	}
}
