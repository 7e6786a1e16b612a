package harness

import (
	"testing"
	"time"
)

// Patience is how long to wait for something that takes at most a second or two on an idle machine.
const Patience = 60 * time.Second

// Eventually tries until there is no error, and fails the test with the last error when the time is up.
func Eventually(tb testing.TB, patience time.Duration, what string, try func() error) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second/2) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not within %v: %v", what, patience, err)
		}
		time.Sleep(pause)
	}
}
