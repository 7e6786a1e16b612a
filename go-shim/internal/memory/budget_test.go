// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"errors"
	"math"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// Scenario: a cgroup and the machine each tell a limit, none, or nothing at all.
// Guarantee: a quarter of the least of what they tell; else 512 MiB and one log line.
func TestBudget(t *testing.T) {
	const gib = 1 << 30
	none := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	broken := func() (uint64, error) { return 1 * gib, errors.New("no /proc here") }
	for name, c := range map[string]struct {
		cgroup, system memlimit.Provider
		want           int64
		lines          int
	}{
		"container":            {memlimit.Limit(2 * gib), memlimit.Limit(64 * gib), gib / 2, 0},
		"no limit":             {none, memlimit.Limit(64 * gib), 16 * gib, 0},
		"limit above machine":  {memlimit.Limit(math.MaxInt64), memlimit.Limit(8 * gib), 2 * gib, 0},
		"machine unknown":      {memlimit.Limit(2 * gib), none, gib / 2, 0},
		"nothing known":        {broken, none, 512 << 20, 1},
		"nothing but a zero":   {memlimit.Limit(0), broken, 512 << 20, 1},
		"cgroup does not tell": {broken, memlimit.Limit(4 * gib), gib, 0},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.InfoLevel)
			assert.Equal(t, c.want, budget(zap.New(core), c.cgroup, c.system))
			assert.Equal(t, c.lines, logs.Len())
		})
	}
}

// Scenario: this machine.
// Guarantee: it tells its memory, so nothing is guessed.
func TestBudgetOfThisMachine(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	assert.Positive(t, Budget(zap.New(core)))
	assert.Zero(t, logs.Len())
}
