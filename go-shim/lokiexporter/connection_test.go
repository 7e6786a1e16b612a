// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension/extensionauth"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/metadata"
	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// Scenario: Loki is behind TLS, with a certificate of an authority of one's own.
// Guarantee: with ca_file the batch arrives, without it nothing is sent.
func TestTLS(t *testing.T) {
	loki := &lokitest.Loki{}
	loki.CheckAtEnd(t)
	server := httptest.NewUnstartedServer(loki)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it says what the first client below says
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))

	e := started(t, configured(server.URL+lokitest.Path, nil))
	require.ErrorContains(t, e.ConsumeLogs(t.Context(), someLogs(t)), "certificate")
	assert.Zero(t, loki.Received())

	e = started(t, configured(server.URL+lokitest.Path, func(cfg *Config) { cfg.ClientConfig.TLS.CAFile = ca }))
	require.NoError(t, e.ConsumeLogs(t.Context(), someLogs(t)))
	assert.Equal(t, 1, loki.Lines())
}

// authenticator is an extension that sets the header Authorization, as basicauth and bearertokenauth do.
type authenticator struct {
	component.StartFunc
	component.ShutdownFunc
	value string
}

var _ extensionauth.HTTPClient = (*authenticator)(nil)

func (a *authenticator) RoundTripper(base http.RoundTripper) (http.RoundTripper, error) {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", a.value)
		return base.RoundTrip(r)
	}), nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Scenario: Loki wants basic authentication or a token, which an extension adds.
// Guarantee: the request has it; with an extension that is not there the exporter does not start.
func TestAuthentication(t *testing.T) {
	id := component.MustNewID("auth")
	for _, value := range []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("me:secret")), "Bearer token"} {
		loki := &lokitest.Loki{}
		cfg := configured(loki.Start(t), func(cfg *Config) {
			cfg.ClientConfig.Auth = configoptional.Some(configauth.Config{AuthenticatorID: id})
		})
		e := startedWith(t, cfg, exportertest.NewNopSettings(metadata.Type), host{id: &authenticator{value: value}})
		require.NoError(t, e.ConsumeLogs(t.Context(), someLogs(t)))
		assert.Equal(t, value, loki.Taken()[0].Header.Get("Authorization"))

		other, err := NewFactory().CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), cfg)
		require.NoError(t, err)
		require.Error(t, other.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, other.Shutdown(t.Context()))
	}
}

// Scenario: headers and gzip are configured, and the endpoint has a name and password.
// Guarantee: the request has them, and says which collector it comes from.
func TestHeaders(t *testing.T) {
	loki := &lokitest.Loki{}
	endpoint := loki.Start(t)
	set := exportertest.NewNopSettings(metadata.Type)
	set.BuildInfo.Command, set.BuildInfo.Version = "otelcol-tokenledger", "1.2.3"
	e := startedWith(t, configured("http://me:secret@"+endpoint[len("http://"):], func(cfg *Config) {
		cfg.ClientConfig.Compression = configcompression.TypeGzip
		cfg.ClientConfig.Headers.Set("X-Custom", "yes")
	}), set, componenttest.NewNopHost())
	require.NoError(t, e.ConsumeLogs(t.Context(), someLogs(t)))
	header := loki.Taken()[0].Header
	assert.Equal(t, "yes", header.Get("X-Custom"))
	assert.Equal(t, "gzip", header.Get("Content-Encoding"))
	assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("me:secret")), header.Get("Authorization"))
	assert.Contains(t, header.Get("User-Agent"), "otelcol-tokenledger/1.2.3 (")
	assert.Empty(t, header.Get(tenantHeader))
}
