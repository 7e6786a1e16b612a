// SPDX-License-Identifier: Apache-2.0

package deltatocumulativeprocessor // import "github.com/tokenledger/tokenledger/go-shim/deltatocumulativeprocessor"

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/memory"
)

// Defaults, which are contrib's. The README's table shows them; a test compares both.
const (
	defaultMaxStale   = 5 * time.Minute
	defaultMaxStreams = math.MaxInt
)

// maxLag is what token_ledger has by default (D4). Contrib has no such limit, and stores refuse what is older.
const maxLag = 5 * time.Minute

// remedy is said where points find no room of their own (T5).
const remedy = "raise max_streams or the memory of the container, a quarter of which is for streams, or use token_ledger, which can trim attributes"

// Config holds the settings of `delta_to_cumulative`, which are those of contrib's processor.
type Config struct {
	// MaxStale is how long a stream may be idle before it is forgotten (L1). More than 0; less than a second counts as
	// one.
	MaxStale time.Duration `mapstructure:"max_stale"`

	// MaxStreams is the number of streams that are tracked (T5). 0 means without limit.
	MaxStreams int `mapstructure:"max_streams"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{MaxStale: defaultMaxStale, MaxStreams: defaultMaxStreams}
}

// Validate reports every setting that cannot be used, each with its value and what to write instead.
func (cfg *Config) Validate() error {
	var errs error
	if cfg.MaxStale <= 0 {
		errs = errors.Join(errs, fmt.Errorf("max_stale is %s: use a duration of more than 0; the default is %s", cfg.MaxStale, defaultMaxStale))
	}
	if cfg.MaxStreams < 0 {
		errs = errors.Join(errs, fmt.Errorf("max_streams is %d: use a number that is not negative; 0 means without limit, as does leaving it out", cfg.MaxStreams))
	}
	return errs
}

// settings says in the accumulator's words what the configuration means. What contrib's processor has no setting for
// is what its users have by default there: all attributes count, totals leave with the request that brought their
// points, nothing is sent again.
func (cfg *Config) settings(logger *zap.Logger) accumulator.Settings {
	return accumulator.Settings{
		Engine: engine.Config{
			Identity:        engine.IdentityOTLP,
			MaxStale:        max(cfg.MaxStale, time.Second), // streams are looked over each second
			MaxLag:          maxLag,
			Emit:            engine.EmitEach,
			Retransmissions: engine.Recognise,
			MaxStreams:      cfg.streamLimit(),
			MaxMemoryBytes:  memory.Budget(logger),
		},
		TickInterval: accumulator.HeldTickInterval,
		Remedy:       remedy,
	}
}

// streamLimit is the limit as the engine knows it: none is the greatest there is.
func (cfg *Config) streamLimit() int {
	if cfg.MaxStreams == 0 {
		return math.MaxUint32
	}
	return int(min(int64(cfg.MaxStreams), math.MaxUint32))
}
