// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
)

// NewFactory makes the factory of the exporter `loki`.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(component.MustNewType("loki"),
		func() component.Config { return &struct{}{} },
		exporter.WithLogs(createLogs, component.StabilityLevelAlpha))
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	return exporterhelper.NewLogs(ctx, set, cfg, func(context.Context, plog.Logs) error { return nil })
}
