package harness

import (
	"errors"
	"os"
	"testing"
)

// Kill ends the process at once (SIGKILL), with no chance to tidy up, and returns when it has ended. Of a killed process
// a failing test shows the last lines only: a crash test has hundreds.
func (p *Process) Kill(tb testing.TB) {
	tb.Helper()
	p.expected.Store(true)
	p.killed.Store(true)
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatalf("cannot kill %s: %v", p.name, err)
	}
	p.Wait(tb, Patience)
}
