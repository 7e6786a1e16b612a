// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/metadata"
)

// telemetry is what the exporter tells about itself beyond what exporterhelper does for all exporters.
type telemetry struct {
	builder       *metadata.TelemetryBuilder
	logger        *zap.Logger
	own           metric.MeasurementOption
	noLabel       metric.MeasurementOption
	unknownFormat metric.MeasurementOption
	// Each of these is said once: the metric tells how often, and a log line for each batch tells no more.
	sayNoLabel, sayUnknownFormat sync.Once
}

func newTelemetry(set exporter.Settings) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	id := attribute.String("exporter", set.ID.String())
	return &telemetry{
		builder:       builder,
		logger:        set.Logger,
		own:           metric.WithAttributeSet(attribute.NewSet(id)),
		noLabel:       metric.WithAttributeSet(attribute.NewSet(id, attribute.String("reason", "no_label"))),
		unknownFormat: metric.WithAttributeSet(attribute.NewSet(id, attribute.String("reason", "unknown_format"))),
	}, nil
}

// adapted counts records that go out otherwise than asked.
func (t *telemetry) adapted(ctx context.Context, c converted) {
	if c.unlabelled > 0 {
		t.builder.ExporterLokiAdaptedRecords.Add(ctx, int64(c.unlabelled), t.noLabel)
		t.sayNoLabel.Do(func() {
			t.logger.Warn(`Records without a label get exporter="OTLP": Loki takes none without. ` +
				"Clients that send service.name have the label job; default_labels_enabled turns on others.")
		})
	}
	if c.unknownFormat > 0 {
		t.builder.ExporterLokiAdaptedRecords.Add(ctx, int64(c.unknownFormat), t.unknownFormat)
		t.sayUnknownFormat.Do(func() {
			t.logger.Warn("Records are written as JSON: their attribute loki.format is none of json, logfmt, raw.")
		})
	}
}

// refused counts records of requests that Loki will not take.
func (t *telemetry) refused(ctx context.Context, records int) {
	t.builder.ExporterLokiRefusedRecords.Add(ctx, int64(records), t.own)
}

func (t *telemetry) shutdown() { t.builder.Shutdown() }
