// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"context"

	"go.opentelemetry.io/collector/confmap"
)

// NewFactory makes the converter that otelcol-tokenledger runs over each configuration.
func NewFactory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(settings confmap.ConverterSettings) confmap.Converter {
		return &converter{logger: settings.Logger}
	})
}

// Convert changes the configuration in place. It is also called for each reload.
func (c *converter) Convert(context.Context, *confmap.Conf) error {
	return nil
}
