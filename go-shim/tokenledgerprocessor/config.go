// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Values of `identity`.
const (
	identityOTLP       = "otlp"
	identityPrometheus = "prometheus"
)

// Values of `emit` (L3).
const (
	emitEach     = "each"
	emitInterval = "interval"
)

// Values of `retransmissions` (D3b).
const (
	retransmissionsRecognise = "recognise"
	retransmissionsAdd       = "add"
)

// Defaults, as the README's table shows them; a test compares both.
const (
	defaultFlushInterval = 10 * time.Second
	defaultMaxStale      = 24 * time.Hour
	defaultMaxLag        = 5 * time.Minute
	defaultMaxStreams    = 1_000_000
)

// Lower bounds that the engine's own resolution sets.
const (
	minFlushInterval = time.Millisecond // output times are whole milliseconds (D4)
	minMaxStale      = time.Second      // streams are looked over each second (L1)
)

// Config holds the settings of `token_ledger`.
type Config struct {
	// Identity says which attributes tell streams apart: `otlp`, everything a client sends.
	Identity string `mapstructure:"identity"`

	// Emit says when totals leave (L3): `each` with the request that brought their points, `interval` once per
	// FlushInterval.
	Emit string `mapstructure:"emit"`

	// FlushInterval is the time between two outputs with `emit: interval` (L3). At least 1ms.
	FlushInterval time.Duration `mapstructure:"flush_interval"`

	// MaxStale is how long a stream may be idle before it is forgotten (L1). At least 1s.
	MaxStale time.Duration `mapstructure:"max_stale"`

	// MaxLag bounds how far an output time may lie behind the clock (D4). 0 means without bound.
	MaxLag time.Duration `mapstructure:"max_lag"`

	// FirstValueDelay holds the first value of a stream until this long after its zero point (D6). 0 means not at
	// all; shorter than MaxStale.
	FirstValueDelay time.Duration `mapstructure:"first_value_delay"`

	// Retransmissions says what becomes of a point seen before (D3b): `recognise` or `add`.
	Retransmissions string `mapstructure:"retransmissions"`

	// MetadataKeys names the client metadata that is part of a stream's identity, without regard to case.
	MetadataKeys []string `mapstructure:"metadata_keys"`

	// Cardinality bounds what is kept.
	Cardinality CardinalityConfig `mapstructure:"cardinality"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// CardinalityConfig bounds how much the processor keeps.
type CardinalityConfig struct {
	// MaxStreams is the number of streams that are told apart; those beyond share one overflow stream per metric.
	// From 1 to 4294967295.
	MaxStreams int `mapstructure:"max_streams"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{
		Identity:        identityOTLP,
		Emit:            emitEach,
		FlushInterval:   defaultFlushInterval,
		MaxStale:        defaultMaxStale,
		MaxLag:          defaultMaxLag,
		Retransmissions: retransmissionsRecognise,
		Cardinality:     CardinalityConfig{MaxStreams: defaultMaxStreams},
	}
}

// Validate reports every setting that cannot be used, each with its value and what to write instead.
func (cfg *Config) Validate() error {
	return errors.Join(
		validateIdentity(cfg.Identity),
		validateOneOf("emit", cfg.Emit, emitEach, emitInterval),
		validateOneOf("retransmissions", cfg.Retransmissions, retransmissionsRecognise, retransmissionsAdd),
		validateAtLeast("flush_interval", cfg.FlushInterval, minFlushInterval, defaultFlushInterval),
		validateAtLeast("max_stale", cfg.MaxStale, minMaxStale, defaultMaxStale),
		validateNotNegative("max_lag", cfg.MaxLag, "0s means without bound"),
		validateNotNegative("first_value_delay", cfg.FirstValueDelay, "0s turns it off"),
		validateDelay(cfg.FirstValueDelay, cfg.MaxStale),
		validateMetadataKeys(cfg.MetadataKeys),
	)
}

// Validate reports a limit that cannot be used. The collector puts the key `cardinality` in front of the message.
func (cfg *CardinalityConfig) Validate() error {
	if cfg.MaxStreams < 1 || int64(cfg.MaxStreams) > math.MaxUint32 {
		return fmt.Errorf("max_streams is %d: use a number from 1 to %d; the default is %d",
			cfg.MaxStreams, uint32(math.MaxUint32), defaultMaxStreams)
	}
	return nil
}

func validateIdentity(value string) error {
	if value == identityPrometheus {
		return fmt.Errorf("identity is %q: this version cannot add up streams that a Prometheus reader does not tell apart; use %q",
			value, identityOTLP)
	}
	return validateOneOf("identity", value, identityOTLP)
}

func validateOneOf(key, value string, allowed ...string) error {
	for _, candidate := range allowed {
		if value == candidate {
			return nil
		}
	}
	return fmt.Errorf("%s is %q: use %s", key, value, quotedAlternatives(allowed))
}

func quotedAlternatives(values []string) string {
	quoted := make([]string, 0, len(values))
	for _, value := range values {
		quoted = append(quoted, fmt.Sprintf("%q", value))
	}
	return strings.Join(quoted, " or ")
}

func validateAtLeast(key string, value, least, usual time.Duration) error {
	if value < least {
		return fmt.Errorf("%s is %s: use at least %s; the default is %s", key, value, least, usual)
	}
	return nil
}

func validateNotNegative(key string, value time.Duration, zeroMeans string) error {
	if value < 0 {
		return fmt.Errorf("%s is %s: use a duration that is not negative; %s", key, value, zeroMeans)
	}
	return nil
}

// A stream that is forgotten (L1) while its first value is held (D6) would lose that value.
func validateDelay(delay, maxStale time.Duration) error {
	if delay > 0 && maxStale >= minMaxStale && delay >= maxStale {
		return fmt.Errorf("first_value_delay is %s: use less than max_stale, which is %s", delay, maxStale)
	}
	return nil
}

func validateMetadataKeys(keys []string) error {
	var errs error
	seen := make(map[string]string, len(keys))
	for i, key := range keys {
		folded := strings.ToLower(key)
		if strings.TrimSpace(key) == "" {
			errs = errors.Join(errs, fmt.Errorf("metadata_keys has %q at position %d: name a metadata key or remove the entry", key, i+1))
			continue
		}
		if first, ok := seen[folded]; ok {
			errs = errors.Join(errs, fmt.Errorf("metadata_keys has %q and %q: keys are compared without regard to case, remove one", first, key))
			continue
		}
		seen[folded] = key
	}
	return errs
}
