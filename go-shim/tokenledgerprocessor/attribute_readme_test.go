// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/go-shim/internal/attribution"
	"github.com/tokenledger/tokenledger/go-shim/internal/readmetest"
)

// Scenario: a reader copies the README's attribution files.
// Guarantee: both are accepted and mean the same.
func TestReadmeAttributionFiles(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```(csv|yaml)\n(.*?)```").FindAllStringSubmatch(readmetest.Text(t), -1)
	loaded := map[string]*attribution.Attributor{}
	for _, block := range blocks {
		if block[1] == "yaml" && !strings.HasPrefix(block[2], "# users.yaml\n") {
			continue
		}
		a := attribution.New(attribution.Settings{Key: attribution.DefaultKey})
		require.NoError(t, a.Load("users."+block[1], []byte(block[2])))
		loaded[block[1]] = a
	}
	require.Len(t, loaded, 2)
	assert.Equal(t, 3, loaded["csv"].Users())
	assert.Equal(t, loaded["csv"].Users(), loaded["yaml"].Users())
	assert.NotEmpty(t, loaded["csv"].Budgets())
	assert.Equal(t, loaded["csv"].Budgets(), loaded["yaml"].Budgets())
}
