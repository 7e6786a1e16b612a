// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import "go.opentelemetry.io/collector/component"

// Counter is a factory that knows whether it made components that count events.
type Counter interface {
	// CountsEvents tells whether a component that counts events is part of the collector's pipelines.
	CountsEvents() bool
}

// ConnectorType is the type of the connector that counts events.
var ConnectorType = component.MustNewType("token_ledger")

// CountedIn tells whether a collector counts events, so that its metrics must not be counted as well. All components of
// a collector are made before the first one starts, so the answer is right in Start. Connectors are asked through
// their factory: what a host calls its exporters leaves connectors out.
func CountedIn(host component.Host) bool {
	factories, ok := host.(interface {
		GetFactory(component.Kind, component.Type) component.Factory
	})
	if !ok {
		return false
	}
	counter, ok := factories.GetFactory(component.KindConnector, ConnectorType).(Counter)
	return ok && counter.CountsEvents()
}
