package harness

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Resident is the resident memory of a process, in bytes.
func (p *Process) Resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.PID()))
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Fscan(strings.NewReader(string(text)), &size, &resident); err != nil {
		return 0, fmt.Errorf("/proc/%d/statm: %w", p.PID(), err)
	}
	return resident * int64(os.Getpagesize()), nil
}

// PeakResident watches a process's resident memory until the returned function is called, which tells the peak in bytes.
func (p *Process) PeakResident(tb testing.TB) (stop func() int64) {
	tb.Helper()
	done, peak := make(chan struct{}), make(chan int64)
	go func() {
		var highest int64
		for {
			if resident, err := p.Resident(); err == nil { // an ended process is another check's business
				highest = max(highest, resident)
			}
			select {
			case <-done:
				peak <- highest
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-peak
	}
}
