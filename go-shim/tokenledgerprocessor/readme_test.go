// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tokenledger/tokenledger/go-shim/internal/readmetest"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other.
func TestReadmeNamesEverySetting(t *testing.T) {
	assert.Equal(t, readmetest.Defaults(createDefaultConfig()), readmetest.Settings(readmetest.Text(t)))
}

// Scenario: a reader copies an example of the README.
// Guarantee: it is accepted.
func TestReadmeExamplesAreValid(t *testing.T) {
	readmetest.RequireValidExamples(t, "processors::token_ledger", createDefaultConfig)
}
