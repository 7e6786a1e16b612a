// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"time"
)

// Emit says when accumulated values leave the engine (design rule L3).
type Emit string

const (
	// EmitEach answers each point in its own batch: for exporters that are pulled.
	EmitEach Emit = "each"
	// EmitInterval takes points in; changed streams go out at a tick, one point each.
	EmitInterval Emit = "interval"
)

// Retransmissions says what happens to a point that was seen before (design rule D3).
type Retransmissions string

const (
	// Recognise adds a request or window only once.
	Recognise Retransmissions = "recognise"
	// Add takes equal points for different clients' points.
	Add Retransmissions = "add"
)

// Identity says what tells ledger streams apart (design rule T0).
type Identity string

const (
	// IdentityOTLP is everything that a client sends.
	IdentityOTLP Identity = "otlp"
	// IdentityPrometheus is what a reader of a Prometheus exporter's output can tell apart.
	IdentityPrometheus Identity = "prometheus"
)

// PrometheusLabels says what the exporter behind the engine turns into labels, for IdentityPrometheus.
type PrometheusLabels struct {
	// PromoteResourceAttributes become labels, beside job and instance.
	PromoteResourceAttributes []string `json:"promote_resource_attributes,omitzero"`
	// PromoteAllResourceAttributes makes labels of all of them.
	PromoteAllResourceAttributes bool `json:"promote_all_resource_attributes"`
	// PromoteScopeMetadata makes labels of name, version and attributes of the scope.
	PromoteScopeMetadata bool `json:"promote_scope_metadata"`
}

// Rule trims the points of metrics whose name matches (design rules T1, T2, T4).
type Rule struct {
	// Metrics are patterns of metric names: `*` is any text, `?` one character.
	Metrics []string `json:"metrics,omitzero"`
	// Drop names attributes to remove.
	Drop []string `json:"drop,omitzero"`
	// Keep names attributes to keep, all others are removed; nil removes none.
	Keep []string `json:"keep,omitzero"`
	// MaxValues is how many values an attribute keeps; later ones become `other`.
	MaxValues map[string]uint32 `json:"max_values,omitzero"`
	// Gauge says how gauges merge: `last`, `sum` or `max`; empty is `last`.
	Gauge string `json:"gauge,omitzero"`
}

// ResourceRule trims every resource (design rule T1).
type ResourceRule struct {
	// Drop names attributes to remove.
	Drop []string `json:"drop,omitzero"`
	// Keep names attributes to keep, all others are removed; nil removes none.
	Keep []string `json:"keep,omitzero"`
}

// Clock reads the wall clock and a monotonic clock that began at any fixed moment.
type Clock func() (wall time.Time, monotonic time.Duration)

// Config holds the settings of one engine. The component validates what users write.
type Config struct {
	// Identity is what tells ledger streams apart (T0); empty is IdentityOTLP.
	Identity Identity
	// Prometheus completes IdentityPrometheus.
	Prometheus PrometheusLabels
	// MaxStale is how long an idle stream is kept (L1); at least a second.
	MaxStale time.Duration
	// MaxLag is how far output times may lie behind the clock (D4); 0 is unlimited.
	MaxLag time.Duration
	// FirstValueDelay holds a new stream's value behind its zero point (D6); whole seconds.
	FirstValueDelay time.Duration
	// Emit is the moment of output (L3).
	Emit Emit
	// EmitInterval is how often streams without a new point go out again (L2); 0 is never.
	EmitInterval time.Duration
	// EmitMaxStreams bounds the streams that go out again (L2).
	EmitMaxStreams int
	// Retransmissions is the treatment of points seen before (D3).
	Retransmissions Retransmissions
	// MaxStreams bounds the streams that are kept (T5); at least 1.
	MaxStreams int
	// MaxMemoryBytes bounds the memory that the engine takes (T5); 0 is unlimited.
	MaxMemoryBytes int64
	// Rules trim points; all that match a metric apply together.
	Rules []Rule
	// ResourceRule trims resources.
	ResourceRule ResourceRule
	// Pricing says what is computed from tokens; nil is nothing. It begins with the first SetPrices.
	Pricing *Pricing
	// Storage keeps a ledger, so that totals outlive the engine.
	Storage Storage
	// Clock replaces the system's clocks in tests; nil is the system.
	Clock Clock
}

// MarshalJSON writes the configuration as the library reads it: durations in nanoseconds. What is empty
// is left out where the library's default means the same.
func (c Config) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Identity            Identity         `json:"identity,omitzero"`
		Prometheus          PrometheusLabels `json:"prometheus"`
		MaxStaleNano        int64            `json:"max_stale_nano"`
		MaxLagNano          int64            `json:"max_lag_nano"`
		FirstValueDelayNano int64            `json:"first_value_delay_nano"`
		Emit                Emit             `json:"emit"`
		EmitIntervalNano    int64            `json:"emit_interval_nano"`
		EmitMaxStreams      int              `json:"emit_max_streams"`
		Retransmissions     Retransmissions  `json:"retransmissions"`
		MaxStreams          int              `json:"max_streams"`
		MaxMemoryBytes      int64            `json:"max_memory_bytes"`
		Rules               []Rule           `json:"rules,omitzero"`
		ResourceRule        ResourceRule     `json:"resource_rule"`
		Pricing             *Pricing         `json:"pricing,omitzero"`
	}{
		Identity:            c.Identity,
		Prometheus:          c.Prometheus,
		MaxStaleNano:        c.MaxStale.Nanoseconds(),
		MaxLagNano:          c.MaxLag.Nanoseconds(),
		FirstValueDelayNano: c.FirstValueDelay.Nanoseconds(),
		Emit:                c.Emit,
		EmitIntervalNano:    c.EmitInterval.Nanoseconds(),
		EmitMaxStreams:      c.EmitMaxStreams,
		Retransmissions:     c.Retransmissions,
		MaxStreams:          c.MaxStreams,
		MaxMemoryBytes:      c.MaxMemoryBytes,
		Rules:               c.Rules,
		ResourceRule:        c.ResourceRule,
		Pricing:             c.Pricing,
	})
}

// selection says which metrics the library is shown under this configuration.
func (c Config) selection() selection {
	trimsResources := len(c.ResourceRule.Drop) > 0 || c.ResourceRule.Keep != nil
	return selection{gauges: len(c.Rules) > 0 || trimsResources, resources: trimsResources}
}

// monotonicOrigin is what the system's monotonic clock begins with. A ledger brings streams, requests and tombstones
// along that are older than the process; the library tells their ages by this clock, which has no negative times.
// Nothing is remembered longer by age than tombstones are, 30 days (T3).
const monotonicOrigin = 100 * 24 * time.Hour

// systemClock measures monotonic time from the moment of its making, beginning with monotonicOrigin.
func systemClock() Clock {
	began := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now, monotonicOrigin + now.Sub(began)
	}
}
