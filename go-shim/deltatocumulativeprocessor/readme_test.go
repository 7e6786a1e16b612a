// SPDX-License-Identifier: Apache-2.0

package deltatocumulativeprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokenledger/tokenledger/go-shim/internal/readmetest"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other; its examples are accepted.
func TestReadmeNamesEverySetting(t *testing.T) {
	assert.Equal(t, readmetest.Defaults(createDefaultConfig()), readmetest.Settings(readmetest.Text(t)))
	readmetest.RequireValidExamples(t, "processors::delta_to_cumulative", createDefaultConfig)
}
