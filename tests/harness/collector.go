package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Setup says how to start a collector. The zero value is the default configuration without first value delay.
type Setup struct {
	// Base names another ready configuration of collector-config than default.yaml.
	Base string
	// Config is YAML that is merged over the ready configuration: maps are merged, lists are replaced.
	Config string
	// Env overrides environment variables; the ports are set by the harness. Unset takes a variable away.
	Env map[string]string
	// Ports are used as they are if set; a restart takes those of the process before.
	Ports Ports
	// State is the directory of the ledger; a restart goes on with that of the process before. Empty is a new one. In
	// Env the variable TOKENLEDGER_STATE_DIR can take it away.
	State string
	// Chroot runs the collector with this directory, which holds nothing, as its root.
	Chroot string
	// Arguments are further command-line arguments of the collector.
	Arguments []string
}

// Unset is the value of a variable that the collector must not see.
const Unset = "\x00"

// Ports are those that the default configuration listens on.
type Ports struct {
	OTLPGRPC, OTLPHTTP, Prometheus, SelfMetrics, Health int
}

// Collector is a running otelcol-tokenledger.
type Collector struct {
	*Process
	Setup      Setup
	configFile string
}

// readyLine is what a collector logs when all its parts have started.
const readyLine = "Everything is ready."

// StartCollector starts a collector and waits until it is ready. A port may be taken by another process between
// asking for it and listening on it, so a start is tried again, with other ports where the test gave none.
func StartCollector(tb testing.TB, setup Setup) *Collector {
	tb.Helper()
	fixedPorts := setup.Ports != Ports{}
	for attempt := 1; ; attempt++ {
		c := Launch(tb, setup)
		if c.becomesReady(tb) {
			return c
		}
		busy := strings.Contains(c.Log(), "address already in use")
		if !busy || attempt == 3 {
			tb.Fatalf("the collector ended during its start (exit code %d)", c.cmd.ProcessState.ExitCode())
		}
		if fixedPorts {
			time.Sleep(time.Second) // a connection of somebody else has the port for the moment
		}
	}
}

// Launch starts a collector without waiting for anything, for tests that expect it to refuse.
func Launch(tb testing.TB, setup Setup) *Collector {
	tb.Helper()
	c := prepare(tb, &setup)
	binary := CollectorBinary(MustRoot(tb))
	arguments := c.configArguments(tb)
	cmd := exec.Command(binary, arguments...)
	if setup.Chroot != "" {
		cmd = commandInside(tb, setup.Chroot, binary, c.configFile)
	}
	cmd.Env = c.environment()
	c.Process = startProcess(tb, "otelcol-tokenledger", cmd)
	return c
}

// Validate runs the subcommand validate with a setup and returns what it wrote and its exit code.
func Validate(tb testing.TB, setup Setup) (output string, code int) {
	tb.Helper()
	c := prepare(tb, &setup)
	cmd := exec.Command(CollectorBinary(MustRoot(tb)), append([]string{"validate"}, c.configArguments(tb)...)...)
	cmd.Env = c.environment()
	c.Process = startProcess(tb, "otelcol-tokenledger validate", cmd)
	code = c.Wait(tb, Patience)
	return c.Log(), code
}

// Restart starts a collector with the setup, ports and ledger of one that has ended.
func (c *Collector) Restart(tb testing.TB) *Collector {
	tb.Helper()
	return StartCollector(tb, c.Setup)
}

// Rewrite changes the configuration file of a running collector; SIGHUP makes it read the file.
func (c *Collector) Rewrite(tb testing.TB, config string) {
	tb.Helper()
	if err := os.WriteFile(c.configFile, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// ReadyCount is how often the collector has become ready: once after its start and once after each reload.
func (c *Collector) ReadyCount() int { return strings.Count(c.Log(), readyLine) }

// PageURL is the page of the prometheus exporter.
func (c *Collector) PageURL() string {
	return "http://" + address(c.Setup.Ports.Prometheus) + "/metrics"
}

// PageAddress is host and port of that page, as a scrape target is written.
func (c *Collector) PageAddress() string { return address(c.Setup.Ports.Prometheus) }

// SelfMetricsURL is the page of the collector's own metrics.
func (c *Collector) SelfMetricsURL() string {
	return "http://" + address(c.Setup.Ports.SelfMetrics) + "/metrics"
}

// prepare fills in the ports and the directory of the ledger, and writes the configuration file.
func prepare(tb testing.TB, setup *Setup) *Collector {
	tb.Helper()
	if setup.Ports == (Ports{}) {
		setup.Ports = Ports{FreePort(tb), FreePort(tb), FreePort(tb), FreePort(tb), FreePort(tb)}
	}
	directory := tb.TempDir()
	if setup.State == "" {
		setup.State = filepath.Join(directory, "state")
	}
	file := filepath.Join(directory, "override.yaml")
	config := setup.Config
	if config == "" {
		config = "{}"
	}
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	return &Collector{Setup: *setup, configFile: file}
}

func (c *Collector) configArguments(tb testing.TB) []string {
	tb.Helper()
	ready := DefaultConfig(MustRoot(tb))
	if c.Setup.Base != "" {
		ready = filepath.Join(filepath.Dir(ready), c.Setup.Base)
	}
	return append([]string{"--config", ready, "--config", c.configFile}, c.Setup.Arguments...)
}

// environment is all that the collector gets to see: nothing of the machine that the tests run on.
func (c *Collector) environment() []string {
	values := map[string]string{
		"TOKENLEDGER_HOST":              Loopback,
		"TOKENLEDGER_OTLP_GRPC_PORT":    strconv.Itoa(c.Setup.Ports.OTLPGRPC),
		"TOKENLEDGER_OTLP_HTTP_PORT":    strconv.Itoa(c.Setup.Ports.OTLPHTTP),
		"TOKENLEDGER_PROMETHEUS_PORT":   strconv.Itoa(c.Setup.Ports.Prometheus),
		"TOKENLEDGER_SELF_METRICS_PORT": strconv.Itoa(c.Setup.Ports.SelfMetrics),
		"TOKENLEDGER_HEALTH_PORT":       strconv.Itoa(c.Setup.Ports.Health),
		"TOKENLEDGER_FIRST_VALUE_DELAY": "0s",
		"TOKENLEDGER_STATE_DIR":         c.Setup.State,
		"TOKEN_LEDGER_AUTO":             "off", // tests write their pipelines themselves; TestDropIn is about what is inserted
	}
	for name, value := range c.Setup.Env {
		values[name] = value
	}
	out := make([]string, 0, len(values))
	for name, value := range values {
		if value != Unset {
			out = append(out, name+"="+value)
		}
	}
	return out
}

// becomesReady waits until the collector is ready, and says false if it ended instead.
func (c *Collector) becomesReady(tb testing.TB) bool {
	tb.Helper()
	c.expected.Store(true) // an end during the start is judged by the caller
	Eventually(tb, Patience, "start of the collector", func() error {
		if c.ReadyCount() > 0 || !c.Running() {
			return nil
		}
		return fmt.Errorf("it has not logged %q", readyLine)
	})
	ready := c.ReadyCount() > 0
	c.expected.Store(!ready)
	return ready
}

// commandInside copies the collector and its configuration into an otherwise empty directory that becomes its root.
func commandInside(tb testing.TB, root, binary, override string) *exec.Cmd {
	tb.Helper()
	copies := map[string]string{
		"otelcol-tokenledger": binary,
		"default.yaml":        DefaultConfig(MustRoot(tb)),
		"override.yaml":       override,
	}
	for name, source := range copies {
		content, err := os.ReadFile(source)
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), content, 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	cmd := exec.Command("/otelcol-tokenledger", "--config", "/default.yaml", "--config", "/override.yaml")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	return cmd
}

// Command runs the command line with the environment of the collector, by which it finds it, and returns what it wrote
// and its exit code.
func (c *Collector) Command(tb testing.TB, arguments ...string) (output string, code int) {
	tb.Helper()
	cmd := exec.Command(CommandBinary(MustRoot(tb)), arguments...)
	cmd.Env = c.environment()
	p := startProcess(tb, "tokenledger", cmd)
	code = p.Wait(tb, Patience)
	return p.Log(), code
}
