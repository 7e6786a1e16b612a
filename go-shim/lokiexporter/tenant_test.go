// SPDX-License-Identifier: Apache-2.0

package lokiexporter

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/lokitest"
)

// tenantLogs are records of tenants a, b and none, over two resources.
func tenantLogs(t *testing.T) plog.Logs {
	t.Helper()
	of := func(tenant string) map[string]any {
		return map[string]any{"loki.tenant": "tenant", "tenant": tenant}
	}
	ld := logsOf(t, map[string]any{"service.name": "one"}, of("a"), of("b"), nil, of("a"))
	logsOf(t, map[string]any{"service.name": "two", "loki.tenant": "team", "team": "b"}, of("a"), nil).ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
	return ld
}

// byTenant lists the lines that each tenant has.
func byTenant(loki *lokitest.Loki) map[string][]string {
	all := map[string][]string{}
	for _, r := range loki.Taken() {
		all[r.Tenant] = append(all[r.Tenant], lines(r.Streams)...)
	}
	return all
}

var wantByTenant = map[string][]string{
	"a": {`{"body":"record a","attributes":{"tenant":"a"},"resources":{"service.name":"one"}}`, `{"body":"record d","attributes":{"tenant":"a"},"resources":{"service.name":"one"}}`},
	"b": {
		`{"body":"record b","attributes":{"tenant":"b"},"resources":{"service.name":"one"}}`,
		`{"body":"record a","attributes":{"tenant":"a"},"resources":{"service.name":"two","team":"b"}}`,
		`{"body":"record b","resources":{"service.name":"two","team":"b"}}`,
	},
	"": {`{"body":"record c","resources":{"service.name":"one"}}`},
}

// Scenario: one batch has records of several tenants, named by records and by a resource.
// Guarantee: each tenant gets one request with its records and its header; the resource's hint goes before the record's.
func TestTenants(t *testing.T) {
	loki := &lokitest.Loki{}
	e := started(t, configured(loki.Start(t), nil))
	ld := tenantLogs(t)
	ld.MarkReadOnly()
	require.NoError(t, e.ConsumeLogs(t.Context(), ld))
	assert.Equal(t, 3, loki.Received())
	assert.Equal(t, wantByTenant, byTenant(loki))
}

// Scenario: one tenant is over its limit for a while.
// Guarantee: only its records are sent again; the others' are not there twice.
func TestOneTenantWaits(t *testing.T) {
	var once sync.Once
	loki := &lokitest.Loki{Answers: func(_ int, r lokitest.Request) (answer lokitest.Answer) {
		if r.Tenant == "b" {
			once.Do(func() { answer.Status = http.StatusTooManyRequests })
		}
		return answer
	}}
	e := started(t, configured(loki.Start(t), func(cfg *Config) {
		cfg.RetryConfig.Enabled = true
		cfg.RetryConfig.InitialInterval = time.Millisecond
	}))
	require.NoError(t, e.ConsumeLogs(t.Context(), tenantLogs(t)))
	assert.Equal(t, 4, loki.Received())
	assert.Equal(t, wantByTenant, byTenant(loki))
}

// Scenario: one tenant is refused for good while another is over its limit for a while.
// Guarantee: the one does not take the other's records with it, and nothing is there twice.
func TestOneTenantIsRefused(t *testing.T) {
	var once sync.Once
	loki := &lokitest.Loki{Answers: func(_ int, r lokitest.Request) (answer lokitest.Answer) {
		switch r.Tenant {
		case "a":
			answer.Status = http.StatusForbidden
		case "b":
			once.Do(func() { answer.Status = http.StatusServiceUnavailable })
		}
		return answer
	}}
	e := started(t, configured(loki.Start(t), func(cfg *Config) {
		cfg.RetryConfig.Enabled = true
		cfg.RetryConfig.InitialInterval = time.Millisecond
	}))
	require.NoError(t, e.ConsumeLogs(t.Context(), tenantLogs(t)))
	assert.Equal(t, map[string][]string{"b": wantByTenant["b"], "": wantByTenant[""]}, byTenant(loki))
}

// Scenario: two tenants are over their limits, with different times to wait.
// Guarantee: both parts come back in one error, to be tried again after the longer time.
func TestTheLongestDelayCounts(t *testing.T) {
	loki := &lokitest.Loki{Answers: func(_ int, r lokitest.Request) lokitest.Answer {
		return map[string]lokitest.Answer{"a": {Status: 429, RetryAfter: "1"}, "b": {Status: 503, RetryAfter: "7"}, "": {}}[r.Tenant]
	}}
	e := started(t, configured(loki.Start(t), nil))
	err := e.ConsumeLogs(t.Context(), tenantLogs(t))
	require.ErrorContains(t, err, "429 Too Many Requests")
	require.ErrorContains(t, err, "503 Service Unavailable")
	assert.ErrorContains(t, err, "Throttle (7s)")
	var failed consumererror.Logs
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 5, failed.Data().LogRecordCount())
	var first *throttled
	require.ErrorAs(t, err, &first)
	assert.Equal(t, 7*time.Second, first.delay)
}

// Scenario: tenants that are numbers, missing, or no value of a header; a Loki that demands one; a header in the configuration.
// Guarantee: numbers are written, without one there is no header, what no header can hold is refused for good without a
// request, and the configured header wins over the hint, as it did in the removed exporter.
func TestTenantHeader(t *testing.T) {
	loki := &lokitest.Loki{DemandTenant: true}
	e := started(t, configured(loki.Start(t), nil))
	require.NoError(t, e.ConsumeLogs(t.Context(), logsOf(t, map[string]any{"loki.tenant": "n", "n": 7}, nil)))
	assert.Equal(t, "7", loki.Taken()[0].Tenant)

	err := e.ConsumeLogs(t.Context(), logsOf(t, map[string]any{"loki.tenant": "missing"}, nil))
	assert.True(t, consumererror.IsPermanent(err))
	require.ErrorContains(t, err, "401 Unauthorized: no org id")

	err = e.ConsumeLogs(t.Context(), logsOf(t, map[string]any{"loki.tenant": "n", "n": "a\r\nX-Evil: 1"}, nil))
	assert.True(t, consumererror.IsPermanent(err))
	require.ErrorContains(t, err, `the tenant "a\r\nX-Evil: 1" cannot be sent`)
	assert.Equal(t, 1, loki.Received())

	e = started(t, configured(loki.Start(t), func(cfg *Config) { cfg.ClientConfig.Headers.Set(tenantHeader, "acme") }))
	require.NoError(t, e.ConsumeLogs(t.Context(), logsOf(t, map[string]any{"loki.tenant": "n", "n": "7"}, nil)))
	assert.Equal(t, "acme", loki.Taken()[1].Tenant)
}
