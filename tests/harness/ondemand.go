package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// StockBinary is a collector of stock parts only, of the versions of the distribution, to compare with. It is built the
// first time that a test asks for it, with the flags of the distribution, so that both share compiled packages.
func StockBinary(tb testing.TB) string {
	tb.Helper()
	return onDemand(tb, stockBinary)
}

// newestPrometheus is the Prometheus that tests/prometheus names, without the discovery of targets in clouds.
func newestPrometheus(tb testing.TB) string {
	tb.Helper()
	return onDemand(tb, prometheusBinary)
}

var (
	stockBinary      = sync.OnceValues(build("reference", ".", "otelcol-stock", "grpcnotrace,netgo,osusergo"))
	prometheusBinary = sync.OnceValues(build("prometheus", "github.com/prometheus/prometheus/cmd/prometheus", "prometheus",
		"netgo,osusergo,remove_all_sd"))
)

func onDemand(tb testing.TB, built func() (string, error)) string {
	tb.Helper()
	binary, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	return binary
}

// build makes a program from a module below tests and returns its path. Built again it takes a moment.
func build(module, program, name, tags string) func() (string, error) {
	return func() (string, error) {
		root, err := Root()
		if err != nil {
			return "", err
		}
		binary := filepath.Join(root, "build", name)
		command := exec.Command("go", "build", "-C", filepath.Join(root, "tests", module), "-trimpath", "-buildvcs=false",
			"-tags", tags, "-ldflags", "-s -w", "-o", binary, program)
		command.Env = append(os.Environ(), "CGO_ENABLED=1")
		output, err := command.CombinedOutput()
		if err != nil {
			return "", &BuildError{Program: name, Output: strings.TrimSpace(string(output)), Err: err}
		}
		return binary, nil
	}
}

// BuildError is what the Go tool says when it cannot build a program.
type BuildError struct {
	Program, Output string
	Err             error
}

// Error shows the end of the output.
func (e *BuildError) Error() string {
	return "building " + e.Program + ": " + e.Err.Error() + "\n" + lastLines(e.Output, 20, 500)
}

// Unwrap is the error of the Go tool.
func (e *BuildError) Unwrap() error { return e.Err }
