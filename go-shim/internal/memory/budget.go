// SPDX-License-Identifier: Apache-2.0

// Package memory finds out how much memory an engine may take where nothing is configured.
package memory

import (
	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"
)

// divisor makes the engine's share of what the process may use: a quarter. The rest is for Go's heap, whose own limit
// (memory_limiter) does not see the engine's memory.
const divisor = 4

// fallback is the budget where the system does not tell what the process may use.
const fallback = 512 << 20

// Budget returns the bytes that one engine may take (T5). If the system does not tell what the process may use, it
// returns 512 MiB and says so.
func Budget(logger *zap.Logger) int64 {
	return budget(logger, memlimit.FromCgroup, memlimit.FromSystem)
}

// budget takes the least of what the sources tell: the limit of a cgroup may lie above the machine's memory.
func budget(logger *zap.Logger, sources ...memlimit.Provider) int64 {
	least := uint64(0)
	for _, source := range sources {
		if limit, err := source(); err == nil && limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
	}
	if least == 0 {
		logger.Warn("the system does not tell how much memory the process may use; totals may take 512 MiB: set the limit in the configuration",
			zap.Int64("memory_limit", fallback))
		return fallback
	}
	return int64(least / divisor)
}
