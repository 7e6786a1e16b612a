// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// Config is the configuration of an exporter. Names and defaults are those of the exporter that was removed.
type Config struct {
	// ClientConfig says where Loki is and how to reach it. Its endpoint is the whole URL, with /loki/api/v1/push.
	ClientConfig confighttp.ClientConfig                                  `mapstructure:",squash"`
	QueueConfig  configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	RetryConfig  configretry.BackOffConfig                                `mapstructure:"retry_on_failure"`

	// DefaultLabelsEnabled turns off labels that streams get without being asked for.
	DefaultLabelsEnabled DefaultLabelsConfig `mapstructure:"default_labels_enabled"`

	// unknownLabels are names in default_labels_enabled that mean nothing. The removed exporter took any name, so they
	// are a warning at the start and no error.
	unknownLabels []string
}

// DefaultLabelsConfig says which labels streams get without a hint; all of them unless turned off.
type DefaultLabelsConfig struct {
	// Exporter is the label exporter="OTLP".
	Exporter bool `mapstructure:"exporter"`
	// Job is service.namespace/service.name, or service.name alone.
	Job bool `mapstructure:"job"`
	// Instance is service.instance.id.
	Instance bool `mapstructure:"instance"`
	// Level is the attribute level of a record that has a severity number, else the name of that number.
	Level bool `mapstructure:"level"`
}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Unmarshaler = (*Config)(nil)
	_ confmap.Validator   = (*Config)(nil)
)

func createDefaultConfig() component.Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 30 * time.Second
	client.WriteBufferSize = 512 * 1024
	return &Config{
		ClientConfig:         client,
		QueueConfig:          configoptional.Some(exporterhelper.NewDefaultQueueConfig()),
		RetryConfig:          configretry.NewDefaultBackOffConfig(),
		DefaultLabelsEnabled: DefaultLabelsConfig{Exporter: true, Job: true, Instance: true, Level: true},
	}
}

// withdrawn are settings that the removed exporter had in its first years, and what does the same since.
var withdrawn = []struct{ key, remedy string }{
	{"tenant", "set the header X-Scope-OrgID under headers, or name the attribute that holds the tenant in the attribute loki.tenant"},
	{"tenant_id", "set the header X-Scope-OrgID under headers"},
	{"labels", "name attributes in the attribute loki.attribute.labels, and those of the resource in loki.resource.labels"},
	{"format", "write json, logfmt or raw into the attribute loki.format"},
}

// Unmarshal reads the settings. For those that were withdrawn it says what to write instead: "invalid keys" alone would
// leave the reader of an old configuration without a way on.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	var errs []error
	for _, setting := range withdrawn {
		if conf.IsSet(setting.key) {
			errs = append(errs, fmt.Errorf("%q is no setting any more: %s", setting.key, setting.remedy))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	c.setUnknownLabelsAside(conf)
	return conf.Unmarshal(c)
}

func (c *Config) setUnknownLabelsAside(conf *confmap.Conf) {
	labels, _ := conf.Get("default_labels_enabled").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if !slices.Contains(defaultLabels, name) {
			c.unknownLabels = append(c.unknownLabels, name)
			conf.Delete("default_labels_enabled" + confmap.KeyDelimiter + name)
		}
	}
}

// defaultLabels are the names that default_labels_enabled knows.
var defaultLabels = []string{"exporter", "job", "instance", "level"}

// Validate checks what can be checked without a connection. Messages leave the URL out: it can hold a password.
func (c *Config) Validate() error {
	return errors.Join(validateEndpoint(c.ClientConfig.Endpoint), validateCompression(c.ClientConfig.Compression))
}

func validateEndpoint(endpoint string) error {
	if endpoint == "" {
		return errors.New(`"endpoint" is missing: the URL of Loki's push API, such as http://loki:3100/loki/api/v1/push`)
	}
	target, err := url.Parse(endpoint)
	if err != nil || (target.Scheme != "http" && target.Scheme != "https") || target.Hostname() == "" {
		return errors.New(`"endpoint" is no URL with http or https and a host: write it as http://loki:3100/loki/api/v1/push`)
	}
	return nil
}

// validateCompression refuses what Loki cannot read. Bodies are blocks of snappy already; around those it knows gzip, and
// deflate without the envelope that the collector gives it.
func validateCompression(compression configcompression.Type) error {
	switch compression {
	case "", "none", configcompression.TypeGzip:
		return nil
	default:
		return fmt.Errorf(`"compression: %s" would make bodies that Loki cannot read: leave it out, they are compressed (snappy) without it`, compression)
	}
}
