package labels

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"
)

// What a scraper asks for. Prometheus 2 asks for one of the first two; Prometheus 3 for the next, and with native
// histograms for the last.
var forms = map[string]string{
	"text":        "",
	"openmetrics": "application/openmetrics-text;version=1.0.0",
	"utf-8":       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
	"protobuf":    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8",
}

// settings are those of a stock exporter that have to do with labels.
type settings struct {
	constLabels      map[string]string
	resource         bool // resource_to_telemetry_conversion.enabled
	excludeService   bool // resource_to_telemetry_conversion.exclude_service_attributes
	withoutScopeInfo bool
	strategy         string // translation_strategy
	timestamps       bool   // send_timestamps
}

// kept are the settings that the exporter keeps with the processor before it.
func (s settings) kept() map[string]any {
	raw := map[string]any{
		"without_scope_info":   s.withoutScopeInfo,
		"translation_strategy": s.strategy,
		"send_timestamps":      s.timestamps,
		"enable_open_metrics":  true,
	}
	return raw
}

// stock are the settings of the exporter alone.
func (s settings) stock() map[string]any {
	raw := s.kept()
	labels := map[string]any{}
	for name, value := range s.constLabels {
		labels[name] = value
	}
	raw["const_labels"] = labels
	raw["resource_to_telemetry_conversion"] = map[string]any{"enabled": s.resource, "exclude_service_attributes": s.excludeService}
	return raw
}

// moved are the settings of the processor.
func (s settings) moved() *prometheuslabelsprocessor.Config {
	return &prometheuslabelsprocessor.Config{
		ConstLabels:              s.constLabels,
		ResourceAttributes:       s.resource,
		ExcludeServiceAttributes: s.excludeService,
		WithoutScopeInfo:         s.withoutScopeInfo,
		TranslationStrategy:      s.strategy,
	}
}

// page is a running exporter.
type page struct {
	consumer.Metrics
	client *http.Client
	// faults is what the exporter logged about metrics that it did not show.
	faults *faults
}

type faults struct {
	sync.Mutex
	messages []string
}

func (f *faults) hook(entry zapcore.Entry) error {
	if entry.Level >= zapcore.ErrorLevel {
		f.Lock()
		defer f.Unlock()
		f.messages = append(f.messages, entry.Message)
	}
	return nil
}

// stockPage is an exporter alone.
func stockPage(t testing.TB, s settings) *page {
	return newPage(t, s.stock())
}

// ourPage is an exporter with the processor before it.
func ourPage(t testing.TB, s settings) *page {
	p := newPage(t, s.kept())
	factory := prometheuslabelsprocessor.NewFactory()
	cfg := s.moved()
	require.NoError(t, cfg.Validate())
	var err error
	p.Metrics, err = factory.CreateMetrics(context.Background(), processortest.NewNopSettings(factory.Type()), cfg, p.Metrics)
	require.NoError(t, err)
	return p
}

func newPage(t testing.TB, raw map[string]any) *page {
	t.Helper()
	factory := prometheusexporter.NewFactory()
	socket := filepath.Join(t.TempDir(), "s") // a socket, so that no port is taken
	raw["endpoint"], raw["transport"] = socket, "unix"
	cfg := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(raw).Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	set, seen := settingsWithLog(factory)
	exporter, err := factory.CreateMetrics(context.Background(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, exporter.Start(context.Background(), componenttest.NewNopHost()))
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(t, exporter.Shutdown(context.Background()))
	})
	return &page{Metrics: exporter, client: &http.Client{Transport: transport}, faults: seen}
}

func settingsWithLog(factory exporter.Factory) (exporter.Settings, *faults) {
	seen := &faults{}
	set := exportertest.NewNopSettings(factory.Type())
	set.Logger = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zapcore.ErrorLevel)).
		WithOptions(zap.Hooks(seen.hook))
	return set, seen
}

// take hands a copy of a request on.
func (p *page) take(t testing.TB, md pmetric.Metrics) {
	t.Helper()
	own := pmetric.NewMetrics()
	md.CopyTo(own)
	require.NoError(t, p.ConsumeMetrics(context.Background(), own))
}

// read asks for the page in one of the forms.
func (p *page) read(t testing.TB, form string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://exporter/metrics", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Accept", forms[form])
	response, err := p.client.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if response.StatusCode == http.StatusInternalServerError {
		// Nothing is left of the page, and the body says why. (With something left the exporter keeps silent.)
		require.NoError(t, p.faults.hook(zapcore.Entry{Level: zapcore.ErrorLevel, Message: string(body)}))
		return ""
	}
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	return string(body)
}

// series are the lines of the page as text, without comments.
func (p *page) series(t testing.TB) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(p.read(t, "text")) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// lost is what the exporter said about series that it does not show, since it runs.
func (p *page) lost() []string {
	p.faults.Lock()
	defer p.faults.Unlock()
	return p.faults.messages
}
