// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/golang/snappy"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"

	"github.com/tokenledger/tokenledger/go-shim/lokiexporter/internal/logproto"
)

// tenantHeader names the tenant to Loki.
const tenantHeader = "X-Scope-OrgID"

// lokiExporter sends batches of logs to Loki. exporterhelper puts the queue and the repetitions before it.
type lokiExporter struct {
	config    *Config
	settings  component.TelemetrySettings
	userAgent string
	telemetry *telemetry
	client    *http.Client
	now       func() time.Time
}

func newExporter(set exporter.Settings, config *Config) (*lokiExporter, error) {
	t, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	return &lokiExporter{
		config:    config,
		settings:  set.TelemetrySettings,
		userAgent: fmt.Sprintf("%s/%s (%s/%s)", set.BuildInfo.Command, set.BuildInfo.Version, runtime.GOOS, runtime.GOARCH),
		telemetry: t,
		now:       time.Now,
	}, nil
}

// push sends a batch, one request for each tenant. What Loki refused for good is left out of the error if other parts
// are to be tried again: exporterhelper gives up a whole batch as soon as it finds a permanent error in it. So those
// parts are logged here, and only the rest comes back.
func (e *lokiExporter) push(ctx context.Context, ld plog.Logs) error {
	var again []part
	var retryable, permanent []error
	for _, p := range splitByTenant(ld) {
		err := e.send(ctx, p)
		switch {
		case err == nil:
		case consumererror.IsPermanent(err):
			e.telemetry.refused(ctx, p.logs.LogRecordCount())
			permanent = append(permanent, err)
		default:
			again = append(again, p)
			retryable = append(retryable, err)
		}
	}
	if len(again) == 0 {
		return errors.Join(permanent...)
	}
	for _, err := range permanent {
		e.settings.Logger.Error("Exporting failed for one tenant. Dropping its part of the data.", zap.Error(err))
	}
	return consumererror.NewLogs(longestDelay(retryable), merge(again))
}

// send makes one request. Its error is permanent where trying again cannot help.
func (e *lokiExporter) send(ctx context.Context, p part) error {
	if !httpguts.ValidHeaderFieldValue(p.tenant) {
		return consumererror.NewPermanent(fmt.Errorf("the tenant %q cannot be sent: it is no value of an HTTP header", p.tenant))
	}
	made := e.streams(p.logs)
	if len(made.streams) == 0 {
		return nil
	}
	body := snappy.Encode(nil, logproto.Append(nil, made.streams))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.config.ClientConfig.Endpoint, bytes.NewReader(body))
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("User-Agent", e.userAgent)
	if p.tenant != "" {
		request.Header.Set(tenantHeader, p.tenant)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return fmt.Errorf("no answer from Loki: %w", err)
	}
	err = readAnswer(response, e.now())
	if err == nil || consumererror.IsPermanent(err) {
		e.telemetry.adapted(ctx, made) // not for each attempt
	}
	return err
}

func (e *lokiExporter) start(ctx context.Context, host component.Host) error {
	client, err := e.config.ClientConfig.ToClient(ctx, host.GetExtensions(), e.settings)
	if err != nil {
		return err
	}
	e.client = client
	if unknown := e.config.unknownLabels; len(unknown) > 0 {
		e.settings.Logger.Warn("default_labels_enabled has names that mean nothing: remove them",
			zap.Strings("unknown", unknown), zap.Strings("known", defaultLabels))
	}
	return nil
}

// shutdown runs after exporterhelper has emptied the queue.
func (e *lokiExporter) shutdown(context.Context) error {
	if e.client != nil {
		e.client.CloseIdleConnections()
	}
	e.telemetry.shutdown()
	return nil
}
