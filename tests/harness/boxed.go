package harness

import (
	"os/exec"
	"path/filepath"
	"slices"
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

// StartPrometheus starts Debian's Prometheus in the box on its usual port, with a configuration file that is used as it
// is.
func (b *Box) StartPrometheus(tb testing.TB, configFile string, arguments ...string) *Prometheus {
	tb.Helper()
	return b.startPrometheus(tb, prometheusProgram(tb, "prometheus"), configFile, arguments)
}

// StartNewestPrometheus is StartPrometheus with the newest release, which is built the first time.
func (b *Box) StartNewestPrometheus(tb testing.TB, configFile string, arguments ...string) *Prometheus {
	tb.Helper()
	return b.startPrometheus(tb, newestPrometheus(tb), configFile, arguments)
}

func (b *Box) startPrometheus(tb testing.TB, program, configFile string, arguments []string) *Prometheus {
	tb.Helper()
	p := &Prometheus{port: b.Publish(tb, fieldPrometheus)}
	p.Process = b.start(tb, "prometheus", exec.Command(program, slices.Concat([]string{
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
