// Package tests holds the end-to-end tests: the built collector with real clients' data, a real Prometheus, and
// everything that can go wrong around them. `make test` builds what they need and runs them.
package tests

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// TestMain refuses to run without the artefacts, and lets many tests wait at the same time: they spend most of their
// time waiting for ticks and scrapes, not for a processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := harness.CheckBuilt(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !isSet("test.parallel") {
		if err := flag.Set("test.parallel", "8"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func isSet(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
