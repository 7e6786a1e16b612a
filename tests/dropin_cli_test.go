package tests

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
	"github.com/tokenledger/tokenledger/tests/seeds"
)

// pagePipeline is a pipeline from OTLP to a page.
const pagePipeline = "service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}"

// TestDropInConfigSources starts the collector with its configuration from where the field keeps it.
//
// Scenario: variables without env:, two files of which the later one completes the earlier, and a web server.
// Guarantee: the automation sees what the collector sees, so the page is right in each case.
func TestDropInConfigSources(t *testing.T) {
	t.Parallel()
	debugFirst := "exporters: {debug: {verbosity: basic}}\nservice: {pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}}"
	cases := []struct {
		name        string
		environment []string
		arguments   func(t *testing.T, box *harness.Box) []string
	}{
		{"variables without env:", []string{"PAGE=0.0.0.0:8889", "EXPORTER=prometheus"}, func(t *testing.T, _ *harness.Box) []string {
			config := strings.Replace(otlpToPage, `"0.0.0.0:8889"`, `"${PAGE}"`, 1)
			return configArguments(writeConfig(t, config, strings.Replace(pagePipeline, "[prometheus]", `["${EXPORTER}"]`, 1)))
		}},
		{"variables with defaults", nil, func(t *testing.T, _ *harness.Box) []string {
			config := strings.Replace(otlpToPage, `"0.0.0.0:8889"`, `"${env:PAGE:-0.0.0.0:8889}"`, 1)
			return configArguments(writeConfig(t, config, pagePipeline))
		}},
		{"files that complete each other", nil, func(t *testing.T, _ *harness.Box) []string {
			return configArguments(writeConfig(t, otlpToPage), writeConfig(t, debugFirst), writeConfig(t, pagePipeline))
		}},
		{"a web server", nil, func(t *testing.T, box *harness.Box) []string {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(otlpToPage + pagePipeline))
			}))
			_ = server.Listener.Close()
			server.Listener = box.Listen(t, 8000)
			server.Start()
			t.Cleanup(server.Close)
			return []string{"--config", "http://127.0.0.1:8000/config.yaml"}
		}},
		{"text of the command line", nil, func(t *testing.T, _ *harness.Box) []string {
			return append(configArguments(writeConfig(t, otlpToPage), writeConfig(t, debugFirst)),
				"--config", "yaml:service::pipelines::metrics::exporters: [prometheus]")
		}},
	}
	for _, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			box := harness.StartBox(t, stackHosts...)
			collector := box.StartCollector(t, harness.BoxedSetup{
				Binary: product(t), Arguments: one.arguments(t, box), Env: atOnce(one.environment...),
			})
			sent := load(t, "2.1.197", capture.JSON, one.name)
			require.NoError(t, collector.Client(t, harness.HTTPGzip).SendAll(t.Context(), sent.Of(capture.Metrics)))
			collector.Settle(t)
			requireTruth(t, collector.Page(t), sent)
		})
	}
}

// TestDropInPrintConfig asks what would run.
//
// Scenario: print-config with each known stack's configuration. Guarantee: standard output is YAML and shows what was
// inserted, in one pipeline before the exporter and with the settings that fit it (rules T0, D6, L3); what is warned
// about is left as it was; what was done and why is told on standard error.
func TestDropInPrintConfig(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds.Shapes(harness.MustRoot(t)) {
		output, messages := runProduct(t, "print-config", "--config", seed.Collector)
		var config struct {
			Processors map[string]map[string]any
			Exporters  map[string]map[string]any
			Extensions map[string]map[string]any
			Service    struct {
				Pipelines map[string]struct{ Processors []string }
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(output), &config), output)
		inserted := config.Processors["token_ledger/metrics"]
		assert.Equal(t, "prometheus", inserted["identity"], seed.Name)
		if seed.Pushed {
			assert.Equal(t, "interval", inserted["emit"], seed.Name)
		} else {
			assert.Equal(t, "each", inserted["emit"], seed.Name)
			assert.Equal(t, "1m15s", inserted["first_value_delay"], "%s: the usual delay, which covers intervals up to a minute", seed.Name)
		}
		ways := 0
		for _, pipeline := range config.Service.Pipelines {
			assert.NotContains(t, pipeline.Processors, "deltatocumulative", seed.Name)
			if at := slices.Index(pipeline.Processors, "token_ledger/metrics"); at >= 0 {
				ways++
				assert.NotContains(t, pipeline.Processors[:at], "batch", "%s: what is acknowledged is written", seed.Name)
			}
		}
		assert.Equal(t, 1, ways, seed.Name)
		assert.Contains(t, messages, "token_ledger/metrics", seed.Name)
		if seed.Name == "S4" {
			assert.Equal(t, "Detailed", config.Exporters["debug"]["verbosity"])
			assert.Equal(t, "0.0.0.0:55679", config.Extensions["zpages"]["endpoint"])
		}
	}
}

// TestDropInSubcommands runs the sub-commands that scripts around the stock image use.
//
// Scenario: validate with each known stack and with broken configurations; components.
// Guarantee: the stacks are valid; a broken configuration is refused with its place and what to do; the list of
// components has the parts that the field uses.
func TestDropInSubcommands(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds.Shapes(harness.MustRoot(t)) {
		runProduct(t, "validate", "--config", seed.Collector)
	}
	components, _ := runProduct(t, "components")
	for _, part := range []string{
		"otlp", "prometheus", "kafka", "token_ledger", "memory_limiter", "batch", "attributes", "resource", "transform", "filter",
		"groupbyattrs", "metrics_transform", "redaction", "interval", "delta_to_cumulative", "debug", "otlp_http", "otlp_grpc",
		"prometheus_remote_write", "file", "load_balancing", "nop", "loki", "health_check", "zpages", "pprof", "file_storage",
		"basicauth", "bearertokenauth", "oidc", "headers_setter", "sigv4auth", "forward", "routing", "count", "env", "http", "https", "yaml",
	} {
		assert.Contains(t, components, part)
	}
}

// broken are configurations that cannot run, with what the refusal has to name: the place, and a remedy.
var broken = map[string]struct {
	config      string
	environment string
	says        []string
}{
	"a part that no image has": {
		otlpToPage + "processors: {tail_sampler: {}}\n" +
			"service: {pipelines: {metrics: {receivers: [otlp], processors: [tail_sampler], exporters: [prometheus]}}}",
		"", []string{"processors", "tail_sampler"},
	},
	"a part of another image": {
		otlpToPage + "  awsemf: {}\nservice: {pipelines: {metrics: {receivers: [otlp], exporters: [awsemf]}}}",
		"", []string{"awsemf", "builder-config.yaml"},
	},
	"an exporter that is not defined": {
		otlpToPage + "service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus, otlp/away]}}}",
		"", []string{"service::pipelines::metrics", "otlp/away"},
	},
	"a mode that there is not": {otlpToPage + pagePipeline, "TOKEN_LEDGER_AUTO=maybe", []string{"TOKEN_LEDGER_AUTO", "maybe", "correct"}},
	"names that there are not": {otlpToPage + pagePipeline, "TOKEN_LEDGER_NAMES=fancy", []string{"TOKEN_LEDGER_NAMES", "fancy", "canonical"}},
	"a misspelt setting":       {strings.Replace(otlpToPage, "{endpoint: \"0.0.0.0:8889\"}", "{endpont: x}", 1) + pagePipeline, "", []string{"exporters", "endpont"}},
}

// TestDropInRefusals starts the collector with broken configurations.
//
// Scenario: each deliberately broken in one place. Guarantee: the start and validate end with an error that names the
// place and a remedy.
func TestDropInRefusals(t *testing.T) {
	t.Parallel()
	for name, one := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := writeConfig(t, one.config)
			box := harness.StartBox(t)
			for _, arguments := range [][]string{{"--config", file}, {"validate", "--config", file}} {
				refused := box.Launch(t, harness.BoxedSetup{Binary: product(t), Arguments: arguments, Env: atOnce(one.environment)})
				assert.NotZero(t, refused.Wait(t, harness.Patience), arguments)
				for _, text := range one.says {
					assert.Contains(t, refused.Log(), text, arguments)
				}
			}
		})
	}
}

// runProduct runs a sub-command that has to succeed and returns what it wrote to standard output and standard error.
func runProduct(t *testing.T, arguments ...string) (output, messages string) {
	t.Helper()
	var stdout, stderr strings.Builder
	command := exec.CommandContext(t.Context(), product(t), arguments...)
	command.Env = []string{"TOKENLEDGER_STATE_DIR=" + t.TempDir()}
	command.Stdout, command.Stderr = &stdout, &stderr
	require.NoError(t, command.Run(), "%v:\n%s", arguments, &stderr)
	return stdout.String(), stderr.String()
}

// warnings are the rules and places of what each shape is warned about: parts that are left as they are, though somebody
// ought to change them.
var warnings = map[string][]string{
	"S0": {"debug-detailed at exporters::debug::verbosity", "service-name-overwritten at processors::resource::attributes::0"},
	"S1": nil,
	"S2": {"debug-detailed at exporters::debug::verbosity"},
	"S3": {"service-name-overwritten at processors::resource::attributes::0"},
	"S4": {
		"cors-any-origin at receivers::otlp::protocols::http::cors::allowed_origins",
		"debug-detailed at exporters::debug::verbosity", "public-diagnostics at extensions::zpages::endpoint",
	},
}

// warned finds rule and place of a warning in a line of the log.
var warned = regexp.MustCompile(`\twarn\t.*"at": "([^"]+)", "rule": "([^"]+)"`)

// TestDropInWarnings starts the known stacks' configurations.
//
// Scenario: some show metrics in full on the console, open zpages to the network, or allow every origin.
// Guarantee: each is warned about with its place, and nothing else is.
func TestDropInWarnings(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds.Shapes(harness.MustRoot(t)) {
		collector := startInBox(t, environmentFor(seed), seed.Collector)
		requireWarnings(t, seed, collector)
		require.Zero(t, collector.Stop(t, harness.Patience))
	}
}

func requireWarnings(t *testing.T, seed seeds.Seed, collector *harness.Collector) {
	t.Helper()
	var found []string
	for _, match := range warned.FindAllStringSubmatch(collector.Log(), -1) {
		found = append(found, match[2]+" at "+match[1])
	}
	slices.Sort(found)
	assert.Equal(t, warnings[seed.Name], found, seed.Name)
}
