package capture

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// exportRequest is what the three request types of OTLP have in common.
type exportRequest interface {
	MarshalJSON() ([]byte, error)
	UnmarshalJSON([]byte) error
	MarshalProto() ([]byte, error)
	UnmarshalProto([]byte) error
}

// MetricsRequest decodes a body of metrics.
func (r Request) MetricsRequest() (pmetricotlp.ExportRequest, error) {
	out := pmetricotlp.NewExportRequest()
	return out, r.decode(out)
}

// LogsRequest decodes a body of logs.
func (r Request) LogsRequest() (plogotlp.ExportRequest, error) {
	out := plogotlp.NewExportRequest()
	return out, r.decode(out)
}

// TracesRequest decodes a body of spans.
func (r Request) TracesRequest() (ptraceotlp.ExportRequest, error) {
	out := ptraceotlp.NewExportRequest()
	return out, r.decode(out)
}

// In returns the request in the wanted encoding: the same bytes where it already is.
func (r Request) In(encoding Encoding) (Request, error) {
	if r.Encoding == encoding {
		return r, nil
	}
	var decoded exportRequest
	switch r.Signal {
	case Metrics:
		decoded = pmetricotlp.NewExportRequest()
	case Logs:
		decoded = plogotlp.NewExportRequest()
	case Traces:
		decoded = ptraceotlp.NewExportRequest()
	default:
		return r, fmt.Errorf("unknown signal %q", r.Signal)
	}
	if err := r.decode(decoded); err != nil {
		return r, err
	}
	body, err := encode(decoded, encoding)
	return Request{Signal: r.Signal, Encoding: encoding, Body: body}, err
}

// FromMetrics encodes metrics as a request.
func FromMetrics(md pmetric.Metrics, encoding Encoding) (Request, error) {
	body, err := encode(pmetricotlp.NewExportRequestFromMetrics(md), encoding)
	return Request{Signal: Metrics, Encoding: encoding, Body: body}, err
}

// FromLogs encodes logs as a request.
func FromLogs(ld plog.Logs, encoding Encoding) (Request, error) {
	body, err := encode(plogotlp.NewExportRequestFromLogs(ld), encoding)
	return Request{Signal: Logs, Encoding: encoding, Body: body}, err
}

// FromTraces encodes spans as a request.
func FromTraces(td ptrace.Traces, encoding Encoding) (Request, error) {
	body, err := encode(ptraceotlp.NewExportRequestFromTraces(td), encoding)
	return Request{Signal: Traces, Encoding: encoding, Body: body}, err
}

func (r Request) decode(into exportRequest) error {
	if r.Encoding == JSON {
		return into.UnmarshalJSON(r.Body)
	}
	return into.UnmarshalProto(r.Body)
}

func encode(request exportRequest, encoding Encoding) ([]byte, error) {
	if encoding == JSON {
		return request.MarshalJSON()
	}
	return request.MarshalProto()
}
