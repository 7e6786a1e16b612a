package seeds

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// VictoriaLogs stands in for the database of that name: it takes OTLP logs where the real one does, refuses everything
// else, and answers the questions of LogsQL that the stacks' dashboards ask (logsql.go).
type VictoriaLogs struct {
	mu      sync.Mutex
	records []Record
	faults  []string
}

// Record is one stored record: fields by name. The body is _msg; attributes of the resource, the scope and the record keep
// their dotted names.
type Record map[string]string

// insertPath is where the real one takes OTLP logs over HTTP.
const insertPath = "/insert/opentelemetry/v1/logs"

// StartVictoriaLogs serves on a listener until the test ends, and fails it if it got anything that it should not.
func StartVictoriaLogs(tb testing.TB, listener net.Listener) *VictoriaLogs {
	tb.Helper()
	v := &VictoriaLogs{}
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: http.HandlerFunc(v.receive), ReadHeaderTimeout: time.Minute,
	}}
	server.Start()
	tb.Cleanup(func() {
		server.Close()
		for _, fault := range v.faults {
			tb.Errorf("VictoriaLogs would refuse: %s", fault)
		}
	})
	return v
}

// Records are those stored so far.
func (v *VictoriaLogs) Records() []Record {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]Record(nil), v.records...)
}

// Store takes logs in as if they had been sent.
func (v *VictoriaLogs) Store(ld plog.Logs) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				record := Record{"_msg": lr.Body().AsString(), "scope.name": sl.Scope().Name()}
				record.add(rl.Resource().Attributes())
				record.add(lr.Attributes())
				at := lr.Timestamp()
				if at == 0 {
					at = lr.ObservedTimestamp()
				}
				record["_time"] = strconv.FormatUint(uint64(at), 10)
				v.records = append(v.records, record)
			}
		}
	}
}

func (r Record) add(attributes pcommon.Map) {
	for name, value := range attributes.All() {
		r[name] = value.AsString()
	}
}

func (v *VictoriaLogs) receive(w http.ResponseWriter, r *http.Request) {
	request, err := decodeLogs(r)
	if err != nil {
		v.mu.Lock()
		v.faults = append(v.faults, err.Error())
		v.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v.Store(request.Logs())
	w.WriteHeader(http.StatusOK)
}

func decodeLogs(r *http.Request) (plogotlp.ExportRequest, error) {
	out := plogotlp.NewExportRequest()
	if r.Method != http.MethodPost || r.URL.Path != insertPath {
		return out, fmt.Errorf("%s %s: only POST %s", r.Method, r.URL.Path, insertPath)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/x-protobuf" {
		return out, fmt.Errorf("the content type is %q", kind)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return out, err
	}
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "":
	case "gzip":
		unzipped, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return out, err
		}
		if body, err = io.ReadAll(unzipped); err != nil {
			return out, err
		}
	default:
		return out, fmt.Errorf("the content encoding is %q", encoding)
	}
	if strings.TrimSpace(string(body)) == "" {
		return out, fmt.Errorf("an empty body")
	}
	return out, out.UnmarshalProto(body)
}
