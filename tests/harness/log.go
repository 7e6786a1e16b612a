package harness

import (
	"strings"
	"sync"
)

// logBuffer keeps what a process writes.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write is called by the goroutines of os/exec that copy stdout and stderr.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is all that was written so far.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// lastLines shortens a text to its end, and long lines to their beginning.
func lastLines(text string, count, width int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > count {
		lines = append([]string{"…"}, lines[len(lines)-count:]...)
	}
	for i, line := range lines {
		if len(line) > width {
			lines[i] = line[:width] + "…"
		}
	}
	return strings.Join(lines, "\n")
}
