// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector/internal/metadata"
)

// outcome is what became of a request.
type outcome int

const (
	outcomeCounted outcome = iota
	outcomeDuplicate
	outcomeOtherSignal
	outcomeCount
)

var outcomeNames = [outcomeCount]string{"counted", "duplicate", "other_signal"}

// telemetry is what the connector tells about itself.
type telemetry struct {
	builder  *metadata.TelemetryBuilder
	outcomes [outcomeCount]metric.MeasurementOption
}

func newTelemetry(set connector.Settings, m *memory) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	id := attribute.String("connector", set.ID.String())
	t := &telemetry{builder: builder}
	for o, name := range outcomeNames {
		t.outcomes[o] = metric.WithAttributeSet(attribute.NewSet(id, attribute.String("outcome", name)))
	}
	own := metric.WithAttributeSet(attribute.NewSet(id))
	err = errors.Join(
		builder.RegisterConnectorTokenLedgerRememberedRequestsCallback(func(_ context.Context, o metric.Int64Observer) error {
			remembered, _ := m.sizes()
			o.Observe(remembered, own)
			return nil
		}),
		builder.RegisterConnectorTokenLedgerEvictedRequestsCallback(func(_ context.Context, o metric.Int64Observer) error {
			_, evicted := m.sizes()
			o.Observe(evicted, own)
			return nil
		}),
		builder.RegisterConnectorTokenLedgerRememberedRequestsLimitCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(m.maxRequests), own)
			return nil
		}),
	)
	if err != nil {
		builder.Shutdown()
		return nil, err
	}
	return t, nil
}

// add counts requests.
func (t *telemetry) add(ctx context.Context, o outcome, requests int) {
	if requests > 0 {
		t.builder.ConnectorTokenLedgerRequests.Add(ctx, int64(requests), t.outcomes[o])
	}
}

func (t *telemetry) shutdown() { t.builder.Shutdown() }
