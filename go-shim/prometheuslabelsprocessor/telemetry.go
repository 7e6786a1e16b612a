// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor/internal/metadata"
)

// Names of the attributes in metadata.yaml.
const (
	attributeProcessor = "processor"
	attributeKind      = "kind"
)

// kind is what collided, used as an index.
type kind int

const (
	// kindConstLabel: a point has a label of that name itself.
	kindConstLabel kind = iota
	// kindJob: a point or its resource has an attribute `job`, and the exporter makes one of `service.name`.
	kindJob
	// kindInstance: the same with `instance` and `service.instance.id`.
	kindInstance
	// kindScope: an attribute is named like a label that the exporter makes of the scope.
	kindScope
	// kindDuplicate: several attributes become one label.
	kindDuplicate
	// kindReserved: the exporter needs the label itself, for buckets or quantiles.
	kindReserved
	// kindInvalid: no label can have that name, or that value.
	kindInvalid
	kindCount
)

var kindNames = [kindCount]string{"const_label", "job", "instance", "scope", "duplicate", "reserved", "invalid"}

// kinds are those that one point, or what stands above it, ran into.
type kinds [kindCount]bool

// telemetry is what the processor tells about itself. Attribute sets are built once.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	points  [kindCount][]metric.AddOption
}

func newTelemetry(set processor.Settings) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: builder}
	for k, name := range kindNames {
		attributes := attribute.NewSet(attribute.String(attributeProcessor, set.ID.String()), attribute.String(attributeKind, name))
		t.points[k] = []metric.AddOption{metric.WithAttributeSet(attributes)}
	}
	return t, nil
}

// report adds the points of one request.
func (t *telemetry) report(ctx context.Context, settled *[kindCount]int64) {
	for k, count := range settled {
		if count > 0 {
			t.builder.ProcessorPrometheusLabelsSettledPoints.Add(ctx, count, t.points[k]...)
		}
	}
}
