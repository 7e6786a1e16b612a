// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/tokenledger/tokenledger/go-shim/internal/accumulator"
	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
	"github.com/tokenledger/tokenledger/go-shim/internal/memory"
)

// remedy is said where points find no room of their own (T5).
const remedy = "raise cardinality.max_streams or cardinality.max_memory_mib, or trim attributes with cardinality.rules"

// settings says in the accumulator's words what the configuration means.
func (cfg *Config) settings(id component.ID, logger *zap.Logger) accumulator.Settings {
	return accumulator.Settings{
		Engine: engine.Config{
			Identity: engine.Identity(cfg.Identity),
			Prometheus: engine.PrometheusLabels{
				PromoteResourceAttributes:    cfg.Prometheus.PromoteResourceAttributes,
				PromoteAllResourceAttributes: cfg.Prometheus.PromoteAllResourceAttributes,
				PromoteScopeMetadata:         cfg.Prometheus.PromoteScopeMetadata,
			},
			MaxStale:        cfg.MaxStale,
			MaxLag:          cfg.MaxLag,
			FirstValueDelay: cfg.FirstValueDelay,
			Emit:            engine.Emit(cfg.Emit),
			EmitInterval:    cfg.EmitInterval,
			EmitMaxStreams:  cfg.EmitMaxStreams,
			Retransmissions: engine.Retransmissions(cfg.Retransmissions),
			MaxStreams:      cfg.Cardinality.MaxStreams,
			MaxMemoryBytes:  cfg.Cardinality.memoryBytes(logger),
			Rules:           engineRules(cfg.Cardinality.Rules),
			ResourceRule: engine.ResourceRule{
				Drop: cfg.Cardinality.ResourceAttributes.Drop,
				Keep: cfg.Cardinality.ResourceAttributes.Keep,
			},
			Storage: cfg.Storage.settings(id),
			Pricing: cfg.Pricing.engine(cfg.Attribution.unattributed()),
		},
		MetadataKeys: cfg.MetadataKeys,
		TickInterval: cfg.tickInterval(),
		Remedy:       remedy,
	}
}

// tickInterval is how often something goes out that no request carries along: held values each second (D4), or
// everything once per interval (L3).
func (cfg *Config) tickInterval() time.Duration {
	if cfg.Emit == emitInterval {
		return cfg.FlushInterval
	}
	return accumulator.HeldTickInterval
}

func (cfg *CardinalityConfig) memoryBytes(logger *zap.Logger) int64 {
	if cfg.MaxMemoryMiB > 0 {
		return int64(cfg.MaxMemoryMiB) << 20
	}
	return memory.Budget(logger)
}

// settings names the place of one component's ledger; none where no directory is configured.
func (cfg *StorageConfig) settings(id component.ID) engine.Storage {
	if cfg.Directory == "" {
		return engine.Storage{}
	}
	sync, _ := cfg.sync() // Validate has refused what cannot be read
	return engine.Storage{
		Directory:        filepath.Join(cfg.Directory, directoryName(id)),
		Sync:             sync,
		SnapshotInterval: cfg.SnapshotInterval,
		Retention:        cfg.Retention,
		Usage:            cfg.Usage,
	}
}

func engineRules(rules []RuleConfig) []engine.Rule {
	var converted []engine.Rule
	for _, rule := range expand(rules) {
		r := engine.Rule{Metrics: rule.Metrics, Drop: rule.Drop, Keep: rule.Keep, Gauge: rule.Gauge}
		for attribute, number := range rule.MaxValues {
			if r.MaxValues == nil {
				r.MaxValues = make(map[string]uint32, len(rule.MaxValues))
			}
			r.MaxValues[attribute] = uint32(number)
		}
		converted = append(converted, r)
	}
	return converted
}
