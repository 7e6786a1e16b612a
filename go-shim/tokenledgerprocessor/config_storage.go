// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// Values of `sync`, beside a duration.
const (
	syncProcess = "process"
	syncDisk    = "disk"
)

const (
	defaultSnapshotInterval = 5 * time.Minute
	// minStorageInterval is the time between two rounds of the ledger's background work.
	minStorageInterval = time.Second
	// minRetention is the resolution of usage.
	minRetention = time.Hour
)

// StorageConfig says where totals are kept so that they outlive the process, and how.
type StorageConfig struct {
	// Directory holds one directory for each component that keeps a ledger. Empty: totals are in memory only.
	Directory string `mapstructure:"directory"`

	// Sync says what the ledger survives: `process`, the end of the process; `disk`, the loss of power too; or a
	// duration, the loss of power for what is older. At least 1s.
	Sync string `mapstructure:"sync"`

	// SnapshotInterval is how often, at least, the whole ledger is written anew while anything changes: a start reads
	// what came since. At least 1s.
	SnapshotInterval time.Duration `mapstructure:"snapshot_interval"`

	// Retention is how long usage is kept for reports; 0 is for ever, else at least 1h. Totals do not depend on it.
	Retention time.Duration `mapstructure:"retention"`

	// Usage keeps usage for reports. Off on all but one where one receiver feeds several instances, or each would
	// count the same again.
	Usage bool `mapstructure:"usage"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func defaultStorage() StorageConfig {
	return StorageConfig{Sync: syncProcess, SnapshotInterval: defaultSnapshotInterval, Usage: true}
}

// Validate reports every setting that cannot be used. It looks at no file: a directory that cannot be used ends the
// start, not `validate`, which may run elsewhere.
func (cfg *StorageConfig) Validate() error {
	_, syncErr := cfg.sync()
	return errors.Join(
		validateDirectory(cfg.Directory),
		syncErr,
		validateAtLeast("snapshot_interval", cfg.SnapshotInterval, minStorageInterval, defaultSnapshotInterval),
		validateRetention(cfg.Retention),
	)
}

// A name that is only blank is a variable that was not set, and the ledger would be somewhere else than intended.
func validateDirectory(directory string) error {
	if directory != "" && strings.TrimSpace(directory) == "" {
		return fmt.Errorf("directory is %q: name a directory, or leave it empty to keep totals in memory only", directory)
	}
	return nil
}

func validateRetention(value time.Duration) error {
	if value != 0 && value < minRetention {
		return fmt.Errorf("retention is %s: use at least %s, because usage is kept by the hour, or 0s to keep it for ever", value, minRetention)
	}
	return nil
}

// sync reads the mode.
func (cfg *StorageConfig) sync() (engine.Sync, error) {
	switch cfg.Sync {
	case syncProcess:
		return engine.SyncProcess, nil
	case syncDisk:
		return engine.SyncDisk, nil
	}
	interval, err := time.ParseDuration(cfg.Sync)
	if err != nil {
		return engine.Sync{}, fmt.Errorf(`sync is %q: use %s, or a duration like "1s"`, cfg.Sync, quotedAlternatives([]string{syncProcess, syncDisk}))
	}
	if interval < minStorageInterval {
		return engine.Sync{}, fmt.Errorf("sync is %s: use at least %s, or %q to wait for the disk with each request", interval, minStorageInterval, syncDisk)
	}
	return engine.SyncEvery(interval), nil
}
