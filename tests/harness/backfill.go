package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// StartBackfilledPrometheus starts a Prometheus that scrapes nothing and holds the samples of a text in the OpenMetrics
// format, with their times. Its configuration is as given.
func StartBackfilledPrometheus(tb testing.TB, openMetrics, configuration string) *Prometheus {
	tb.Helper()
	dir := tb.TempDir()
	text, store := filepath.Join(dir, "samples.txt"), filepath.Join(dir, "store")
	config := filepath.Join(dir, "prometheus.yaml")
	for file, content := range map[string]string{text: openMetrics, config: configuration} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	output, code := Run(tb, Patience, prometheusProgram(tb, "promtool"), "tsdb", "create-blocks-from", "openmetrics", text, store)
	if code != 0 {
		tb.Fatalf("promtool cannot read the samples:\n%s", output)
	}
	p := &Prometheus{port: FreePort(tb)}
	p.Process = startProcess(tb, "prometheus with samples", exec.Command(prometheusProgram(tb, "prometheus"),
		"--config.file="+config, "--storage.tsdb.path="+store,
		"--web.listen-address="+Loopback+":"+strconv.Itoa(p.port)))
	if !p.becomesReady(tb) {
		tb.Fatal("prometheus ended during its start")
	}
	return p
}
