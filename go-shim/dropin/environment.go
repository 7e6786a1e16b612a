// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"io"
	"os"
)

// Variables that steer the converter.
const (
	// autoVariable says what is inserted: see automation.
	autoVariable = "TOKEN_LEDGER_AUTO"
	// namesVariable asks for further families of metric names: see names.go.
	namesVariable = "TOKEN_LEDGER_NAMES"
	// promoteVariable names the resource attributes that servers behind `otlp_http` make labels: see promoted.
	promoteVariable = "TOKEN_LEDGER_PROMOTE"
	// stateVariable is the directory of ledgers, which collector-config/default.yaml uses too. Set to nothing it means
	// totals in memory.
	stateVariable = "TOKENLEDGER_STATE_DIR"
	// hostVariable is the address that collector-config/default.yaml listens on. The image sets it to 0.0.0.0.
	hostVariable = "TOKENLEDGER_HOST"
)

// defaultStateDirectory holds the ledgers where stateVariable is not set; the image has it.
const defaultStateDirectory = "/var/lib/tokenledger"

// environment is what the converter knows beside the configuration. Tests bring their own.
type environment struct {
	lookup   func(name string) (string, bool)
	writable func(directory string) error // nil if files can be made there; leaves nothing behind
	stderr   io.Writer
}

func processEnvironment() environment {
	return environment{lookup: os.LookupEnv, writable: writable, stderr: os.Stderr}
}

// automation is the value of TOKEN_LEDGER_AUTO.
type automation string

const (
	automationOff     automation = "off"     // nothing is inserted
	automationCorrect automation = "correct" // the metrics that were there become right, no others come; the default
	automationFull    automation = "full"    // computed costs come beside them
)

func (e environment) automation() (automation, error) {
	value, set := e.lookup(autoVariable)
	if !set || value == "" {
		return automationCorrect, nil
	}
	switch mode := automation(value); mode {
	case automationOff, automationCorrect, automationFull:
		return mode, nil
	}
	return "", fmt.Errorf("%s is %q: use %q, %q or %q, or leave it out for %q",
		autoVariable, value, automationOff, automationCorrect, automationFull, automationCorrect)
}

// writable tells whether files can be made in a directory that exists.
func writable(directory string) error {
	file, err := os.CreateTemp(directory, ".tokenledger-*")
	if err != nil {
		return err
	}
	_ = file.Close()
	return os.Remove(file.Name())
}
