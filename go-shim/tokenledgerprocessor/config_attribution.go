// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/tokenledger/tokenledger/go-shim/internal/attribution"
	"github.com/tokenledger/tokenledger/go-shim/internal/reload"
)

const (
	defaultUnmatched      = "unattributed"
	defaultBudgetInterval = time.Minute
	// minBudgetInterval keeps a typo from keeping a processor busy.
	minBudgetInterval = time.Second
	// maxAliases bounds the attributes with aliases: each becomes a label of every series.
	maxAliases = 64
)

// defaultAliases are the spellings of the team that people use, as public configurations have them.
func defaultAliases() map[string][]string {
	return map[string][]string{"team": {"team", "team.id", "team_id", "team.name", "department", "squad"}}
}

// AttributionConfig says whose usage it is, in attributes of their own. It is off unless the section is written, if only
// as `attribution: {}`.
type AttributionConfig struct {
	// File is a CSV or YAML file that maps the key to attributes and budgets. Empty: aliases and agents only.
	File string `mapstructure:"file"`

	// Key is the attribute that the file is keyed by.
	Key string `mapstructure:"key"`

	// Attributes are those to take from the file; all if empty.
	Attributes []string `mapstructure:"attributes"`

	// Unmatched is the value of the file's attributes where the key is absent or unknown; empty sets nothing.
	Unmatched string `mapstructure:"unmatched"`

	// Aliases are spellings of an attribute, by its name, in the order in which they are asked. What is written is
	// added to the default; an empty list removes an attribute.
	Aliases map[string][]string `mapstructure:"aliases"`

	// Agent adds the agent's name as the attribute `agent`.
	Agent bool `mapstructure:"agent"`

	// ReloadInterval is how often the file is looked at. At least 1s.
	ReloadInterval time.Duration `mapstructure:"reload_interval"`

	// BudgetInterval is how often the file's budgets are sent as a metric. 0 turns it off, else at least 1s.
	BudgetInterval time.Duration `mapstructure:"budget_interval"`

	enabled bool // the section is written

	// prevent unkeyed literal initialization
	_ struct{}
}

func defaultAttribution() AttributionConfig {
	return AttributionConfig{
		Key:            attribution.DefaultKey,
		Unmatched:      defaultUnmatched,
		Aliases:        defaultAliases(),
		Agent:          true,
		ReloadInterval: reload.DefaultInterval,
		BudgetInterval: defaultBudgetInterval,
	}
}

var _ confmap.Unmarshaler = (*AttributionConfig)(nil)

// Unmarshal reads the section; it is called only if there is one.
func (cfg *AttributionConfig) Unmarshal(conf *confmap.Conf) error {
	cfg.enabled = true
	return conf.Unmarshal(cfg)
}

// settings says in the attribution package's words what the configuration means.
func (cfg *AttributionConfig) settings() attribution.Settings {
	aliases := maps.Clone(cfg.Aliases)
	maps.DeleteFunc(aliases, func(_ string, spellings []string) bool { return len(spellings) == 0 })
	return attribution.Settings{
		Key: strings.TrimSpace(cfg.Key), Attributes: cfg.Attributes, Unmatched: cfg.Unmatched, Aliases: aliases, Agent: cfg.Agent,
	}
}

// Validate reports every setting that cannot be used. It looks at no file: one that cannot be used ends the start, not
// `validate`, which may run elsewhere.
func (cfg *AttributionConfig) Validate() error {
	return errors.Join(
		cfg.validateFile(),
		cfg.validateKey(),
		validateNames("attributes", "an attribute", cfg.Attributes),
		cfg.validateAliases(),
		validateAtLeast("reload_interval", cfg.ReloadInterval, reload.MinInterval, reload.DefaultInterval),
		cfg.validateBudgetInterval(),
	)
}

// validateFile refuses a blank name, and settings that have no meaning without a file.
func (cfg *AttributionConfig) validateFile() error {
	switch {
	case cfg.File != "" && strings.TrimSpace(cfg.File) == "":
		return fmt.Errorf("file is %q: name a CSV or YAML file; leave it empty to add aliases and agents only", cfg.File)
	case cfg.File == "" && len(cfg.Attributes) > 0:
		return fmt.Errorf("attributes names %s, but file is empty: name the file that has them, or remove attributes", quotedList(cfg.Attributes))
	default:
		return nil
	}
}

func (cfg *AttributionConfig) validateKey() error {
	key := strings.TrimSpace(cfg.Key)
	switch {
	case key == "":
		return fmt.Errorf("key is %q: name the attribute that the file is keyed by; the default is %q", cfg.Key, attribution.DefaultKey)
	case slices.Contains(cfg.Attributes, key):
		return fmt.Errorf("attributes has %q, which is the key: remove it there, the key stays on the telemetry anyway", key)
	default:
		return nil
	}
}

// validateAliases reports aliases that cannot be meant: of nothing, of the key, or of aliases.
func (cfg *AttributionConfig) validateAliases() error {
	var errs error
	if len(cfg.Aliases) > maxAliases {
		errs = fmt.Errorf("aliases has %d attributes: use at most %d", len(cfg.Aliases), maxAliases)
	}
	for _, target := range slices.Sorted(maps.Keys(cfg.Aliases)) {
		spellings := cfg.Aliases[target]
		switch target {
		case "":
			errs = errors.Join(errs, fmt.Errorf("aliases has %q: name an attribute or remove the entry", target))
		case strings.TrimSpace(cfg.Key):
			errs = errors.Join(errs, fmt.Errorf("aliases has %q, which is the key: the file is asked before aliases are; set key to the attribute that clients send", target))
		}
		errs = errors.Join(errs, validateNames(fmt.Sprintf("aliases of %q", target), "a spelling", spellings))
		for _, spelling := range spellings {
			if spelling != target && len(cfg.Aliases[spelling]) > 0 {
				errs = errors.Join(errs, fmt.Errorf("aliases of %q has %q, which has aliases itself: name its spellings here, or remove one of the two entries", target, spelling))
			}
		}
	}
	return errs
}

func (cfg *AttributionConfig) validateBudgetInterval() error {
	if cfg.BudgetInterval != 0 && cfg.BudgetInterval < minBudgetInterval {
		return fmt.Errorf("budget_interval is %s: use at least %s, or 0s to send no budgets; the default is %s", cfg.BudgetInterval, minBudgetInterval, defaultBudgetInterval)
	}
	return nil
}

// unattributed is the team of people whom the file does not know, or nothing without a file.
func (cfg *AttributionConfig) unattributed() string {
	if cfg.File == "" {
		return ""
	}
	return cfg.Unmatched
}
