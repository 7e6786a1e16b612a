// Package harness starts what the end-to-end tests need: the built collector, Prometheus, sinks and proxies. Each
// piece listens on ports asked from the system, is shown with its log when a test fails, and ends with its test.
package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Root is the top of the repository.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "tests", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the tests must run inside the repository: no tests/go.mod above the working directory")
		}
		dir = parent
	}
}

// MustRoot is Root for use inside a test.
func MustRoot(tb testing.TB) string {
	tb.Helper()
	root, err := Root()
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// CollectorBinary is the built collector.
func CollectorBinary(root string) string { return filepath.Join(root, "build", "otelcol-tokenledger") }

// CommandBinary is the built command line.
func CommandBinary(root string) string { return filepath.Join(root, "build", "tokenledger") }

// DefaultConfig is the configuration that ships with the collector.
func DefaultConfig(root string) string {
	return filepath.Join(root, "collector-config", "default.yaml")
}

// CheckBuilt says what to do when an artefact is missing.
func CheckBuilt() error {
	root, err := Root()
	if err != nil {
		return err
	}
	for _, artefact := range []string{CollectorBinary(root), CommandBinary(root), DefaultConfig(root)} {
		if _, err := os.Stat(artefact); err != nil {
			return fmt.Errorf("the end-to-end tests run the built artefacts; run `make build` first: %w", err)
		}
	}
	return nil
}
