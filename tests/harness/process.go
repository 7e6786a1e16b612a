package harness

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Process is a program started by a test.
type Process struct {
	name     string
	cmd      *exec.Cmd
	log      logBuffer
	ended    chan struct{} // closed when the process has ended and its log is complete
	expected atomic.Bool   // the test ended it or expects it to end
	killed   atomic.Bool   // by Kill
}

// startProcess runs a command until the test ends. A process that ends on its own fails the test, unless the test
// said with Wait or Stop that it expects that.
func startProcess(tb testing.TB, name string, cmd *exec.Cmd) *Process {
	tb.Helper()
	p := &Process{name: name, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout = &p.log
	cmd.Stderr = &p.log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // no orphans when the test binary is killed or times out
	if err := startFromLastingThread(cmd); err != nil {
		tb.Fatalf("cannot start %s: %v", name, err)
	}
	go func() {
		_ = cmd.Wait() // the exit code is read from ProcessState
		close(p.ended)
	}()
	tb.Cleanup(func() { p.cleanUp(tb) })
	return p
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is all that the process has written so far.
func (p *Process) Log() string { return p.log.String() }

// Running says whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal, for example SIGHUP for a reload.
func (p *Process) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		tb.Fatalf("cannot send %v to %s: %v", signal, p.name, err)
	}
}

// Stop asks the process to end (SIGTERM) and returns its exit code. It fails the test if that takes longer than
// patience.
func (p *Process) Stop(tb testing.TB, patience time.Duration) int {
	tb.Helper()
	p.expected.Store(true)
	p.Signal(tb, syscall.SIGTERM)
	return p.Wait(tb, patience)
}

// Wait waits until the process ends on its own and returns its exit code, -1 if a signal ended it.
func (p *Process) Wait(tb testing.TB, patience time.Duration) int {
	tb.Helper()
	p.expected.Store(true)
	select {
	case <-p.ended:
	case <-time.After(patience):
		tb.Fatalf("%s (pid %d) has not ended within %v", p.name, p.PID(), patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *Process) cleanUp(tb testing.TB) {
	if p.Running() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(Patience):
			_ = p.cmd.Process.Kill()
			<-p.ended
			tb.Errorf("%s did not end within %v after SIGTERM", p.name, Patience)
		}
	} else if !p.expected.Load() {
		tb.Errorf("%s ended by itself: %v", p.name, p.cmd.ProcessState)
	}
	if tb.Failed() {
		lines := 120
		if p.killed.Load() {
			lines = 5
		}
		tb.Logf("log of %s (%v):\n%s", p.name, p.cmd.ProcessState, lastLines(p.Log(), lines, 2000))
	}
}

// Pdeathsig counts the thread that started a process as its parent, and the Go runtime may end threads. So one thread
// that lives as long as the test binary starts them all.
var startRequests = sync.OnceValue(func() chan<- startRequest {
	requests := make(chan startRequest)
	go func() {
		runtime.LockOSThread()
		for request := range requests {
			request.done <- request.cmd.Start()
		}
	}()
	return requests
})

type startRequest struct {
	cmd  *exec.Cmd
	done chan error
}

func startFromLastingThread(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	startRequests() <- startRequest{cmd, done}
	return <-done
}

// Run runs a command at the top of the repository to its end and returns what it wrote and its exit code.
func Run(tb testing.TB, patience time.Duration, program string, arguments ...string) (output string, code int) {
	tb.Helper()
	cmd := exec.Command(program, arguments...)
	cmd.Dir = MustRoot(tb)
	p := startProcess(tb, program, cmd)
	code = p.Wait(tb, patience)
	return p.Log(), code
}
