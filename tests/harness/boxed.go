package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Ports that configurations in the field listen on, nearly all of them.
const (
	fieldOTLPGRPC    = 4317
	fieldOTLPHTTP    = 4318
	fieldSelfMetrics = 8888
	fieldPage        = 8889
	fieldPrometheus  = 9090
	fieldHealth      = 13133
)

// BoxedSetup says how to start a collector in a box.
type BoxedSetup struct {
	// Binary is the collector: CollectorBinary or StockBinary.
	Binary string
	// Arguments are all of its command line, for example --config and a file that is used as it is.
	Arguments []string
	// Env is all of its environment. A state directory is set if there is none.
	Env map[string]string
}

// StartCollector starts a collector in the box and waits until it is ready. The ports of its Setup are those under which
// the usual ports are published.
func (b *Box) StartCollector(tb testing.TB, setup BoxedSetup) *Collector {
	tb.Helper()
	c := b.Launch(tb, setup)
	if !c.becomesReady(tb) {
		tb.Fatalf("the collector ended during its start (exit code %d)", c.cmd.ProcessState.ExitCode())
	}
	return c
}

// Launch is StartCollector without waiting for anything, for tests that expect it to refuse.
func (b *Box) Launch(tb testing.TB, setup BoxedSetup) *Collector {
	tb.Helper()
	c := &Collector{}
	c.Setup.Ports = Ports{
		OTLPGRPC:    b.Publish(tb, fieldOTLPGRPC),
		OTLPHTTP:    b.Publish(tb, fieldOTLPHTTP),
		Prometheus:  b.Publish(tb, fieldPage),
		SelfMetrics: b.Publish(tb, fieldSelfMetrics),
		Health:      b.Publish(tb, fieldHealth),
	}
	cmd := exec.Command(setup.Binary, setup.Arguments...)
	cmd.Dir = tb.TempDir()
	cmd.Env = environmentOf(setup.Env, filepath.Join(cmd.Dir, "state"))
	c.Process = b.start(tb, filepath.Base(setup.Binary), cmd)
	return c
}

func environmentOf(values map[string]string, state string) []string {
	out := []string{"TOKENLEDGER_STATE_DIR=" + state}
	for name, value := range values {
		out = append(out, name+"="+value) // the last of equal names counts
	}
	return out
}

// StartPrometheus starts Prometheus in the box on its usual port, with a configuration file that is used as it is.
func (b *Box) StartPrometheus(tb testing.TB, configFile string, arguments ...string) *Prometheus {
	tb.Helper()
	p := &Prometheus{port: b.Publish(tb, fieldPrometheus)}
	p.Process = b.start(tb, "prometheus", exec.Command(prometheusProgram(tb, "prometheus"), slices.Concat([]string{
		"--config.file=" + configFile,
		"--storage.tsdb.path=" + filepath.Join(tb.TempDir(), "store"),
		"--web.listen-address=" + address(fieldPrometheus),
	}, arguments)...))
	if !p.becomesReady(tb) {
		tb.Fatal("prometheus ended during its start")
	}
	return p
}

// prometheusProgram finds one of the two programs of Debian's package prometheus.
func prometheusProgram(tb testing.TB, name string) string {
	tb.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		tb.Fatalf("this test needs %s (Debian: apt-get install prometheus): %v", name, err)
	}
	return program
}

// start runs a command in the box until the test ends, as startProcess does outside.
func (b *Box) start(tb testing.TB, name string, cmd *exec.Cmd) *Process {
	tb.Helper()
	p := &Process{name: name, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout = &p.log
	cmd.Stderr = &p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // the box's thread lives longer than its processes
	var err error
	b.inside(func() { err = cmd.Start() })
	if err != nil {
		tb.Fatalf("cannot start %s: %v", name, err)
	}
	go func() {
		_ = cmd.Wait() // the exit code is read from ProcessState
		close(p.ended)
	}()
	tb.Cleanup(func() { p.cleanUp(tb) })
	return p
}

// StockBinary is a collector of stock parts only, of the versions of the distribution, to compare with. It is built the
// first time that a test asks for it, with the flags of the distribution, so that both share compiled packages.
func StockBinary(tb testing.TB) string {
	tb.Helper()
	built, err := stockBinary()
	if err != nil {
		tb.Fatal(err)
	}
	return built
}

var stockBinary = sync.OnceValues(func() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(root, "build", "otelcol-stock")
	build := exec.Command("go", "build", "-C", filepath.Join(root, "tests", "reference"), "-trimpath", "-buildvcs=false",
		"-tags", "grpcnotrace,netgo,osusergo", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	output, err := build.CombinedOutput()
	if err != nil {
		return "", &BuildError{strings.TrimSpace(string(output)), err}
	}
	return binary, nil
})

// BuildError is what the Go tool says when it cannot build a program.
type BuildError struct {
	Output string
	Err    error
}

// Error shows the end of the output.
func (e *BuildError) Error() string {
	return "building the collector of stock parts: " + e.Err.Error() + "\n" + lastLines(e.Output, 20, 500)
}
