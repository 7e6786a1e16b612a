// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package pricing

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// usage is a million tokens of output of a model.
func usage(model string) engine.PriceRequest {
	return engine.PriceRequest{
		Model:  model,
		Tokens: [engine.TokenClasses]uint64{engine.ClassOutput: 1_000_000},
		Time:   time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
}

const ownPrice = `
version = "ours"
[[price]]
provider = "anthropic"
model = "claude-sonnet-4-5"
input = 1
output = 2
source = "contract"
[currency]
code = "EUR"
per_usd = 0.9
`

// Scenario: no file. Guarantee: the built-in table prices what it lists, and nothing else, before Start and after
// Shutdown nothing at all.
func TestBuiltInTable(t *testing.T) {
	table := New(Settings{})
	_, known := table.Price(usage("claude-sonnet-4-5"))
	assert.False(t, known)
	require.NoError(t, table.Start())
	answer, known := table.Price(usage("us.anthropic.claude-sonnet-4-5-20250929-v1:0"))
	require.True(t, known)
	assert.Equal(t, int64(16_500_000_000_000), answer.TotalPico)
	assert.Equal(t, "bedrock", answer.Provider)
	_, known = table.Price(usage("made-up"))
	assert.False(t, known)
	assert.NotEmpty(t, table.Version())
	code, _ := table.Currency()
	assert.Empty(t, code)
	require.NoError(t, table.Shutdown(t.Context()))
	_, known = table.Price(usage("claude-sonnet-4-5"))
	assert.False(t, known)
	require.NoError(t, table.Shutdown(t.Context()))
}

// Scenario: a user's file, which becomes bad, then another one, while requests are priced. Guarantee: a bad file changes
// nothing and its reason is told; each request is priced by one of the good ones.
func TestFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.toml")
	write := func(text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		past := time.Now().Add(-time.Minute)
		require.NoError(t, os.Chtimes(path, past, past.Add(time.Duration(len(text))*time.Millisecond)))
	}
	write(ownPrice)
	reasons := make(chan error, 16)
	var used []string
	table := New(Settings{
		File: path, ReloadInterval: 5 * time.Millisecond,
		Use:    func(prices *engine.Prices) error { used = append(used, prices.Version()); return nil },
		Status: func(reason error) { reasons <- reason },
	})
	require.NoError(t, table.Start())
	code, perUSD := table.Currency()
	assert.Equal(t, "EUR", code)
	assert.InDelta(t, 0.9, perUSD, 0)
	price := func() int64 {
		answer, known := table.Price(usage("claude-sonnet-4-5"))
		require.True(t, known)
		return answer.TotalPico
	}
	assert.Equal(t, int64(2_000_000_000_000), price())

	var load sync.WaitGroup
	stop := make(chan struct{})
	load.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				answer, known := table.Price(usage("claude-sonnet-4-5"))
				assert.True(t, known)
				assert.Contains(t, []int64{2_000_000_000_000, 3_000_000_000_000}, answer.TotalPico)
			}
		}
	})
	write("[[price]]\nmodel = 7\n")
	assert.ErrorContains(t, <-reasons, path)
	assert.Equal(t, int64(2_000_000_000_000), price())
	write(ownPrice[:len(ownPrice)-1] + "\n[[price]]\nprovider = \"anthropic\"\nmodel = \"claude-haiku-4-5\"\ninput = 1\noutput = 3\nsource = \"contract\"\n")
	require.NoError(t, <-reasons, "it is well again")
	answer, known := table.Price(usage("claude-haiku-4-5"))
	require.True(t, known)
	assert.Equal(t, int64(3_000_000_000_000), answer.TotalPico)
	close(stop)
	load.Wait()
	require.NoError(t, table.Shutdown(t.Context()))
	assert.Len(t, used, 2)
}

// Scenario: a file that cannot be used at the start. Guarantee: an error that names it.
func TestBadFileAtStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.toml")
	table := New(Settings{File: path})
	require.ErrorContains(t, table.Start(), path)
	require.NoError(t, os.WriteFile(path, []byte("nonsense"), 0o600))
	require.ErrorContains(t, table.Start(), path)
	require.NoError(t, table.Shutdown(t.Context()))
}
