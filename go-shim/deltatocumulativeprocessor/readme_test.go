// SPDX-License-Identifier: Apache-2.0

package deltatocumulativeprocessor

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// Scenario: a setting is added, or a default changes.
// Guarantee: the README's table names every setting with its default, and no other; its example is accepted.
func TestReadmeNamesEverySetting(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| `([^`]*)` \\|").FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 2)
	cfg := createDefaultConfig().(*Config)
	assert.Equal(t, "max_stale", rows[0][1])
	stale, err := time.ParseDuration(rows[0][2])
	require.NoError(t, err)
	assert.Equal(t, cfg.MaxStale, stale)
	assert.Equal(t, []string{"max_streams", strconv.Itoa(cfg.MaxStreams)}, rows[1][1:])

	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, example)
	file := t.TempDir() + "/example.yaml"
	require.NoError(t, os.WriteFile(file, example[1], 0o600))
	all, err := confmaptest.LoadConf(file)
	require.NoError(t, err)
	sub, err := all.Sub("processors::delta_to_cumulative")
	require.NoError(t, err)
	require.NoError(t, sub.Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
}
