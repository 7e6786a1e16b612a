// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
	"github.com/tokenledger/tokenledger/go-shim/internal/reload"
)

// Defaults, as the README's table shows them; a test compares both.
const (
	defaultReloadInterval = reload.DefaultInterval
	defaultMaxRequests    = 200_000
	defaultWindow         = 30 * time.Minute
)

// Bounds of settings.
const (
	minReloadInterval = reload.MinInterval
	maxMaxRequests    = 100_000_000 // some 10 GB
	minWindow         = time.Second
)

// defaultAttributes tell whose request it was and what for.
var defaultAttributes = []string{
	"session.id", "user.id", "user.email", "user.account_uuid", "organization.id", "terminal.type", "query_source", "agent.name", "skill.name",
}

// defaultResourceAttributes are about the client and its place in the organisation; none of them holds a secret.
var defaultResourceAttributes = []string{
	"service.name", "service.namespace", "service.version", "host.name", "os.type", "deployment.environment*",
	"team*", "department", "squad", "cost_center", "project*", "cursor.*",
}

// Config holds the settings of the connector `token_ledger`.
type Config struct {
	// Pricing says what requests cost.
	Pricing PricingConfig `mapstructure:"pricing"`

	// Attributes names the attributes that the points get: of the record or span, or else of its resource. Nothing else
	// of a record becomes part of a metric.
	Attributes []string `mapstructure:"attributes"`

	// ResourceAttributes names the attributes of the resource that the metrics' resource keeps. A `*` at the end stands
	// for any text.
	ResourceAttributes []string `mapstructure:"resource_attributes"`

	// Deduplication bounds the memory of requests that were counted.
	Deduplication DeduplicationConfig `mapstructure:"deduplication"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PricingConfig says what requests cost.
type PricingConfig struct {
	// File is a price file of the user's, on top of the built-in table; empty: none.
	File string `mapstructure:"file"`

	// ReloadInterval is how often the file is looked at. At least 1s.
	ReloadInterval time.Duration `mapstructure:"reload_interval"`

	// CacheWrites says how long caches live that were written to, where the agent does not tell: `auto`, `5m`, `1h`, or
	// the part that lives for an hour as a number from 0 to 1.
	CacheWrites any `mapstructure:"cache_writes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// DeduplicationConfig bounds the memory of requests that were counted.
type DeduplicationConfig struct {
	// MaxRequests is how many are remembered; the oldest are forgotten first. From 1 to 100000000.
	MaxRequests int `mapstructure:"max_requests"`

	// Window is how long they are remembered. At least 1s.
	Window time.Duration `mapstructure:"window"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{
		Pricing:            PricingConfig{ReloadInterval: defaultReloadInterval, CacheWrites: events.CacheWritesAuto},
		Attributes:         append([]string(nil), defaultAttributes...),
		ResourceAttributes: append([]string(nil), defaultResourceAttributes...),
		Deduplication:      DeduplicationConfig{MaxRequests: defaultMaxRequests, Window: defaultWindow},
	}
}

// Validate reports every setting that cannot be used, each with its value and what to write instead. Messages of
// nested settings get their key in front by the collector.
func (cfg *Config) Validate() error {
	return errors.Join(
		validateNames("attributes", cfg.Attributes, ""),
		validateOwnNames(cfg.Attributes),
		validateNames("resource_attributes", cfg.ResourceAttributes, "*"),
	)
}

// Validate reports a lifetime of caches that cannot be read, and an interval that is too short.
func (cfg *PricingConfig) Validate() error {
	var errs error
	if _, err := events.ParseCacheWrites(cfg.CacheWrites); err != nil {
		errs = fmt.Errorf("cache_writes %w", err)
	}
	if cfg.ReloadInterval < minReloadInterval {
		errs = errors.Join(errs, fmt.Errorf("reload_interval is %s: use at least %s; the default is %s", cfg.ReloadInterval, minReloadInterval, defaultReloadInterval))
	}
	return errs
}

// Validate reports a memory without room or time.
func (cfg *DeduplicationConfig) Validate() error {
	var errs error
	if cfg.MaxRequests < 1 || cfg.MaxRequests > maxMaxRequests {
		errs = fmt.Errorf("max_requests is %d: use a number from 1 to %d; the default is %d", cfg.MaxRequests, maxMaxRequests, defaultMaxRequests)
	}
	if cfg.Window < minWindow {
		errs = errors.Join(errs, fmt.Errorf("window is %s: use at least %s; the default is %s", cfg.Window, minWindow, defaultWindow))
	}
	return errs
}

// validateNames reports names that are empty, stand in a list twice, or hold what people write or secrets.
func validateNames(key string, names []string, wildcard string) error {
	var errs error
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		bare := strings.TrimSuffix(name, "*")
		switch {
		case strings.TrimSpace(bare) == "":
			errs = errors.Join(errs, fmt.Errorf("%s has %q at position %d: name an attribute or remove the entry", key, name, i+1))
		case seen[name]:
			errs = errors.Join(errs, fmt.Errorf("%s has %q twice: remove one", key, name))
		case strings.Contains(bare, "*") || bare != name && wildcard == "":
			errs = errors.Join(errs, fmt.Errorf("%s has %q: %s", key, name, wildcardRemedy(wildcard)))
		case events.HoldsContent(name):
			errs = errors.Join(errs, fmt.Errorf("%s has %q: it can hold what people write or a secret, which must not become part of a metric; remove it", key, name))
		}
		seen[name] = true
	}
	return errs
}

func wildcardRemedy(wildcard string) string {
	if wildcard == "" {
		return "write each attribute's whole name"
	}
	return `use "*" at the end only`
}

// validateOwnNames keeps the attributes free that the connector sets itself.
func validateOwnNames(names []string) error {
	var errs error
	for _, name := range names {
		switch name {
		case attributeAgent, attributeModel, attributeProvider, attributeType, attributeSource, attributeOutcome, attributeErrorType, attributeIssue:
			errs = errors.Join(errs, fmt.Errorf("attributes has %q: the connector sets it itself, remove the entry", name))
		}
	}
	return errs
}
