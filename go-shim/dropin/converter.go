// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"context"

	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
)

// converter is the confmap converter of this package.
type converter struct {
	logger      *zap.Logger
	environment environment
}

// step changes a document for one reason, or leaves it alone, and reports what it did. An error ends the start.
type step func(*document, environment, *report) error

// steps in the order in which they run: later ones see what earlier ones made.
var steps = []step{
	repair,
	insert,
	settleLabels,
	addNames,
	warn,
}

// NewFactory makes the converter that otelcol-tokenledger runs over each configuration.
func NewFactory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(settings confmap.ConverterSettings) confmap.Converter {
		return &converter{logger: settings.Logger, environment: processEnvironment()}
	})
}

// Convert changes the configuration in place. It is called for each start, each reload, and by the sub-commands.
func (c *converter) Convert(_ context.Context, conf *confmap.Conf) error {
	document, report := &document{conf: conf}, &report{}
	for _, step := range steps {
		if err := step(document, c.environment, report); err != nil {
			return err
		}
	}
	report.print(c.logger, c.environment.stderr)
	return nil
}
