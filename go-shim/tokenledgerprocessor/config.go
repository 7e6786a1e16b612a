// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Values of `identity` (T0).
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
	defaultFlushInterval  = 10 * time.Second
	defaultEmitInterval   = time.Minute
	defaultEmitMaxStreams = 20_000
	defaultMaxStale       = 24 * time.Hour
	defaultMaxLag         = 5 * time.Minute
	defaultMaxStreams     = 1_000_000
)

// Lower bounds that the engine's own resolution sets.
const (
	minFlushInterval = time.Millisecond // output times are whole milliseconds (D4)
	minEmitInterval  = time.Second      // streams are looked over each second (L2)
	minMaxStale      = time.Second      // and so they are for staleness (L1)
)

// Config holds the settings of `token_ledger`.
type Config struct {
	// Identity says what tells streams apart (T0): `otlp`, everything a client sends, or `prometheus`, what a reader
	// of a Prometheus exporter's output can tell apart.
	Identity string `mapstructure:"identity"`

	// Prometheus says what the exporter behind turns into labels, for `identity: prometheus`.
	Prometheus PrometheusConfig `mapstructure:"prometheus"`

	// Emit says when totals leave (L3): `each` with the request that brought their points, `interval` once per
	// FlushInterval.
	Emit string `mapstructure:"emit"`

	// FlushInterval is the time between two outputs with `emit: interval` (L3). At least 1ms.
	FlushInterval time.Duration `mapstructure:"flush_interval"`

	// EmitInterval is how often the total of a stream without a new point goes out again (L2). 0 turns it off, else at
	// least 1s. With `emit: interval` at the first output after that.
	EmitInterval time.Duration `mapstructure:"emit_interval"`

	// EmitMaxStreams bounds the streams that go out again (L2): those that are idle longest leave first. From 1 to
	// 4294967295.
	EmitMaxStreams int `mapstructure:"emit_max_streams"`

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

	// Cardinality trims attributes and bounds what is kept.
	Cardinality CardinalityConfig `mapstructure:"cardinality"`

	// Storage keeps a ledger, so that totals outlive the process (L6).
	Storage StorageConfig `mapstructure:"storage"`

	// Pricing says what tokens cost.
	Pricing PricingConfig `mapstructure:"pricing"`

	// Attribution says whose usage it is.
	Attribution AttributionConfig `mapstructure:"attribution"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PrometheusConfig says what a Prometheus exporter turns into labels (T0). The names are those of Prometheus' own
// settings for OTLP.
type PrometheusConfig struct {
	// PromoteResourceAttributes names the resource attributes that become labels, beside `job` and `instance`.
	PromoteResourceAttributes []string `mapstructure:"promote_resource_attributes"`

	// PromoteAllResourceAttributes is set where all resource attributes become labels.
	PromoteAllResourceAttributes bool `mapstructure:"promote_all_resource_attributes"`

	// PromoteScopeMetadata is set where name, version and attributes of the scope become labels.
	PromoteScopeMetadata bool `mapstructure:"promote_scope_metadata"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{
		Identity:        identityOTLP,
		Emit:            emitEach,
		FlushInterval:   defaultFlushInterval,
		EmitInterval:    defaultEmitInterval,
		EmitMaxStreams:  defaultEmitMaxStreams,
		MaxStale:        defaultMaxStale,
		MaxLag:          defaultMaxLag,
		Retransmissions: retransmissionsRecognise,
		Cardinality:     CardinalityConfig{MaxStreams: defaultMaxStreams},
		Storage:         defaultStorage(),
		Pricing:         defaultPricing(),
		Attribution:     defaultAttribution(),
	}
}

// Validate reports every setting that cannot be used, each with its value and what to write instead. Messages of
// nested settings get their key in front by the collector.
func (cfg *Config) Validate() error {
	return errors.Join(
		validateOneOf("identity", cfg.Identity, identityOTLP, identityPrometheus),
		cfg.validatePrometheus(),
		validateOneOf("emit", cfg.Emit, emitEach, emitInterval),
		validateOneOf("retransmissions", cfg.Retransmissions, retransmissionsRecognise, retransmissionsAdd),
		validateAtLeast("flush_interval", cfg.FlushInterval, minFlushInterval, defaultFlushInterval),
		validateEmitInterval(cfg.EmitInterval),
		validateCount("emit_max_streams", cfg.EmitMaxStreams, defaultEmitMaxStreams, "; to send nothing again set emit_interval to 0s"),
		validateAtLeast("max_stale", cfg.MaxStale, minMaxStale, defaultMaxStale),
		validateNotNegative("max_lag", cfg.MaxLag, "0s means without bound"),
		validateNotNegative("first_value_delay", cfg.FirstValueDelay, "0s turns it off"),
		validateDelay(cfg.FirstValueDelay, cfg.MaxStale),
		validateMetadataKeys(cfg.MetadataKeys),
	)
}

// Validate reports labels that contradict each other.
func (cfg *PrometheusConfig) Validate() error {
	if cfg.PromoteAllResourceAttributes && len(cfg.PromoteResourceAttributes) > 0 {
		return fmt.Errorf("promote_all_resource_attributes is true and promote_resource_attributes names %s: all means these too, remove one of the two settings",
			quotedList(cfg.PromoteResourceAttributes))
	}
	return validateNames("promote_resource_attributes", "an attribute", cfg.PromoteResourceAttributes)
}

// validatePrometheus refuses labels that nothing would look at: they are a sign that `identity` was forgotten.
func (cfg *Config) validatePrometheus() error {
	labels := &cfg.Prometheus
	used := len(labels.PromoteResourceAttributes) > 0 || labels.PromoteAllResourceAttributes || labels.PromoteScopeMetadata
	if used && cfg.Identity == identityOTLP {
		return fmt.Errorf("prometheus is set, but identity is %q: use identity %q, or remove prometheus", identityOTLP, identityPrometheus)
	}
	return nil
}

func validateEmitInterval(value time.Duration) error {
	if value != 0 && value < minEmitInterval {
		return fmt.Errorf("emit_interval is %s: use at least %s, or 0s to turn it off; the default is %s", value, minEmitInterval, defaultEmitInterval)
	}
	return nil
}

// validateCount checks a number that the engine keeps in 32 bits.
func validateCount(key string, value, usual int, hint string) error {
	if value < 1 || int64(value) > math.MaxUint32 {
		return fmt.Errorf("%s is %d: use a number from 1 to %d; the default is %d%s", key, value, uint32(math.MaxUint32), usual, hint)
	}
	return nil
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
