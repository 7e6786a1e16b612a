// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"

	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// Scenario: identifiers as users write them, and as only a fuzzer would.
// Guarantee: the name of a directory below the configured one, readable, one for each identifier.
func TestDirectoryNames(t *testing.T) {
	long := strings.Repeat("x", 1000)
	names := map[string]string{}
	for id, expected := range map[string]string{
		"":            "token_ledger",
		"2":           "token_ledger-2",
		"metrics/web": "token_ledger-metrics%2Fweb",
		"metrics%web": "token_ledger-metrics%25web",
		"metrics%2Fw": "token_ledger-metrics%252Fw",
		"..":          "token_ledger-..",
		"../../etc":   "token_ledger-..%2F..%2Fetc",
		"Größe~1":     "token_ledger-Gr%C3%B6%C3%9Fe%7E1",
		"a-b_c.d":     "token_ledger-a-b_c.d",
		long:          "",
		long + "y":    "",
	} {
		whole := component.NewID(metadata.Type)
		if id != "" {
			whole = component.NewIDWithName(metadata.Type, id)
		}
		name := directoryName(whole)
		if expected != "" {
			assert.Equal(t, expected, name)
		}
		assert.LessOrEqual(t, len(name), maxDirectoryName)
		assert.Equal(t, filepath.Join("/state", name), "/state/"+name, "it is one element of a path")
		require.NotContains(t, names, name, "of %q", id)
		names[name] = id
	}
}
