// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"fmt"

	"go.opentelemetry.io/collector/component"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// refuseTwoCounts refuses a collector that counts the same tokens from metrics, here, and from events, in a connector:
// each sum over both would be twice the truth.
func (cfg *PricingConfig) refuseTwoCounts(host component.Host) error {
	if cfg.Source != pricingMetrics || cfg.BesideEvents == besideEventsMark || !events.CountedIn(host) {
		return nil
	}
	return fmt.Errorf("pricing.source is %q and a connector %s counts the tokens of logs or traces: both are the same tokens, and each sum over both would be "+
		"twice the truth; set pricing.source to %q, or remove the connector, or set pricing.beside_events to %q and select by the attribute source",
		pricingMetrics, events.ConnectorType, pricingEvents, besideEventsMark)
}
