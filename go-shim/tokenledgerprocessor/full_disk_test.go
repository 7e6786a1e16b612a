// SPDX-License-Identifier: Apache-2.0

//go:build cgo && linux

package tokenledgerprocessor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine/enginetest"
	"github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor/internal/metadata"
)

// smallDisk mounts a file system of its own for the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root; the drill in internal/accumulator plays a full disk without one")
	}
	directory := t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("this system lets root mount nothing (%v); the drill in internal/accumulator plays a full disk without it", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(directory, 0)) })
	return directory
}

// fill takes all space that is left and returns a function that gives it back.
func fill(t *testing.T, directory string) (release func()) {
	t.Helper()
	name := filepath.Join(directory, "filler")
	file, err := os.Create(name)
	require.NoError(t, err)
	for size := 1 << 20; size > 0; {
		if _, err = file.Write(make([]byte, size)); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			size /= 2
		}
	}
	require.NoError(t, file.Close())
	return func() { require.NoError(t, os.Remove(name)) }
}

// Scenario: a real file system becomes full while new streams come in; the sender keeps what is refused, and sends it
// again when there is space.
// Guarantee: a request is refused with an error that is not permanent and is not passed on; after that everything is in
// the totals, once.
func TestRealDiskIsFull(t *testing.T) {
	directory := smallDisk(t, "32m")
	clock, next := &enginetest.Clock{}, new(consumertest.MetricsSink)
	r := newRigWith(t, processortest.NewNopSettings(metadata.Type), next, func(cfg *Config) {
		cfg.Storage.Directory = filepath.Join(directory, "state")
	}, clock.Read)
	second := 20 * time.Second
	// request has a new stream with much text, which the ledger has to keep.
	request := func(number int) pmetric.Metrics {
		md := window(10*time.Second, 20*time.Second, fmt.Sprint(number), int64(number+1))
		point := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
		point.Attributes().PutStr("much", strings.Repeat(fmt.Sprint(number), 2000))
		return md
	}
	send := func(number int) error {
		second += 10 * time.Millisecond
		clock.MoveTo(second)
		return r.ConsumeMetrics(t.Context(), request(number))
	}

	require.NoError(t, send(0))
	release := fill(t, directory)
	sent, refusal := 1, error(nil)
	for ; sent < 20_000 && refusal == nil; sent++ {
		refusal = send(sent)
	}
	var full *engine.StorageError
	require.ErrorAs(t, refusal, &full, "after %d requests", sent)
	assert.Equal(t, engine.TroubleFull, full.Trouble, full.Message)
	assert.False(t, consumererror.IsPermanent(refusal))
	refused := sent - 1
	assert.NotContains(t, lastValues(next), fmt.Sprint(refused))
	require.ErrorIs(t, r.Tick(t.Context(), false), engine.ErrStorage)

	release()
	for attempt := 0; errors.Is(send(refused), engine.ErrStorage); attempt++ {
		require.Less(t, attempt, 10, "work goes on by itself when there is space")
		second += time.Second
	}
	require.NoError(t, send(sent))
	second += time.Second
	clock.MoveTo(second)
	require.NoError(t, r.Tick(t.Context(), false))
	values := lastValues(next)
	require.Len(t, values, sent+1)
	for number := range sent + 1 {
		require.Equal(t, int64(number+1), values[fmt.Sprint(number)], "request %d", number)
	}
}

// lastValues is the last value of each type that left.
func lastValues(next *consumertest.MetricsSink) map[string]int64 {
	values := map[string]int64{}
	for _, md := range next.AllMetrics() {
		points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
		for i := range points.Len() {
			kind, _ := points.At(i).Attributes().Get("type")
			values[kind.Str()] = points.At(i).IntValue()
		}
	}
	return values
}
