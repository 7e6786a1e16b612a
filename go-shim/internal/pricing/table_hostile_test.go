// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package pricing

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// Scenario: a table is closed while many ask it, and closed again. Guarantee: each answer is right or none; nothing reads
// memory that was given back (under the race detector, and the sanitizers of the library's own tests).
func TestCloseWhileAsked(t *testing.T) {
	for range 20 {
		prices, err := engine.NewPrices([]byte(ownPrice))
		require.NoError(t, err)
		var asking sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range 4 {
			asking.Go(func() {
				for asked := 0; ; asked++ {
					answer, known := prices.Price(usage("claude-sonnet-4-5"))
					if asked == 0 {
						begun <- struct{}{}
					}
					if !known {
						return
					}
					assert.Equal(t, int64(2_000_000_000_000), answer.TotalPico)
					assert.Equal(t, "anthropic", answer.Provider)
				}
			})
		}
		<-begun
		prices.Close()
		asking.Wait()
		prices.Close()
		assert.True(t, strings.HasSuffix(prices.Version(), "+ours"), "what is told of it outlives it")
	}
}

// Scenario: the file changes and the table shuts down while others ask, with engines that take and refuse it.
// Guarantee: an engine's refusal keeps the former table; after Shutdown nothing has a price.
func TestRefusedTablesAreNotUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.toml")
	write := func(output int) {
		text := fmt.Sprintf("%s\n# %d\n", strings.Replace(ownPrice, "output = 2", fmt.Sprintf("output = %d", output), 1), output)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		past := time.Now().Add(-time.Hour + time.Duration(output)*time.Second)
		require.NoError(t, os.Chtimes(path, past, past))
	}
	write(2)
	var lock sync.Mutex
	refuse, seen := false, 0
	reasons := make(chan error, 16)
	table := New(Settings{
		File: path, ReloadInterval: 2 * time.Millisecond,
		Use: func(*engine.Prices) error {
			lock.Lock()
			defer lock.Unlock()
			seen++
			if refuse {
				return engine.ErrClosed
			}
			return nil
		},
		Status: func(reason error) { reasons <- reason },
	})
	require.NoError(t, table.Start())
	stop := make(chan struct{})
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if answer, known := table.Price(usage("claude-sonnet-4-5")); known {
						assert.Equal(t, int64(2_000_000_000_000), answer.TotalPico)
					}
				}
			}
		})
	}
	lock.Lock()
	refuse = true
	lock.Unlock()
	write(3)
	require.ErrorIs(t, <-reasons, engine.ErrClosed)
	answer, known := table.Price(usage("claude-sonnet-4-5"))
	require.True(t, known)
	assert.Equal(t, int64(2_000_000_000_000), answer.TotalPico)
	require.NoError(t, table.Shutdown(context.Background()))
	_, known = table.Price(usage("claude-sonnet-4-5"))
	assert.False(t, known)
	close(stop)
	asking.Wait()
	assert.GreaterOrEqual(t, seen, 2)
}

// Scenario: texts and numbers that no client sends. Guarantee: an answer or none, never a crash.
func TestAbsurdRequests(t *testing.T) {
	table := New(Settings{})
	require.NoError(t, table.Start())
	for _, model := range []string{"", "\x00", "\xff\xfe", strings.Repeat("m", 1<<20), "claude-sonnet-4-5"} {
		for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(1<<40, 0), time.Unix(-1<<40, 0)} {
			request := usage(model)
			request.Provider, request.Time = model, at
			for class := range request.Tokens {
				request.Tokens[class] = 1<<64 - 1
			}
			request.WebSearches = 1<<64 - 1
			answer, _ := table.Price(request)
			assert.GreaterOrEqual(t, answer.TotalPico, int64(0))
		}
	}
	_, known := table.Price(usage("claude-sonnet-4-5"))
	assert.True(t, known)
	require.NoError(t, table.Shutdown(t.Context()))
}

// Scenario: an engine is given a closed table, and closed while it is given others. Guarantee: ErrClosed, no crash.
func TestEnginesAndClosedTables(t *testing.T) {
	closed, err := engine.NewPrices(nil)
	require.NoError(t, err)
	closed.Close()
	live, err := engine.NewPrices(nil)
	require.NoError(t, err)
	defer live.Close()
	for range 20 {
		made, err := engine.New(engine.Config{Emit: engine.EmitEach, Retransmissions: engine.Recognise, MaxStale: time.Hour, MaxStreams: 10, Pricing: &engine.Pricing{}})
		require.NoError(t, err)
		require.ErrorIs(t, made.SetPrices(closed), engine.ErrClosed)
		var giving sync.WaitGroup
		begun := make(chan struct{}, 2)
		for range 2 {
			giving.Go(func() {
				for given := 0; ; given++ {
					err := made.SetPrices(live)
					if given == 0 {
						begun <- struct{}{}
					}
					if err != nil {
						assert.ErrorIs(t, err, engine.ErrClosed)
						return
					}
				}
			})
		}
		<-begun
		made.Close()
		giving.Wait()
	}
}
