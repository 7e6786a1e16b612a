// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/service/hostcapabilities"
)

// refuseTwoCounts refuses a collector that counts the same tokens from metrics, here, and from events, in a connector:
// each sum over both would be twice the truth.
func (cfg *PricingConfig) refuseTwoCounts(host component.Host) error {
	if cfg.Source != pricingMetrics || cfg.BesideEvents == besideEventsMark {
		return nil
	}
	exposed, ok := host.(hostcapabilities.ExposeExporters)
	if !ok {
		return nil // a test's host; the collector's has them
	}
	exporters := exposed.GetExporters() // connectors are among them
	for _, signal := range []pipeline.Signal{pipeline.SignalLogs, pipeline.SignalTraces} {
		var ids []string
		for id, one := range exporters[signal] {
			if counter, ok := one.(interface{ CountsEvents() bool }); ok && counter.CountsEvents() {
				ids = append(ids, id.String())
			}
		}
		if len(ids) > 0 {
			slices.Sort(ids)
			return fmt.Errorf("pricing.source is %q and the connector %s counts the tokens of %s: both are the same tokens, and each sum over both would be "+
				"twice the truth; set pricing.source to %q, or remove the connector, or set pricing.beside_events to %q and select by the attribute source",
				pricingMetrics, ids[0], signal, pricingEvents, besideEventsMark)
		}
	}
	return nil
}
