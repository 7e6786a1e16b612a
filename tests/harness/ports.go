package harness

import (
	"fmt"
	"net"
	"sync"
	"testing"
)

// Loopback is where everything listens. An address and not the name localhost, which may also mean ::1.
const Loopback = "127.0.0.1"

var (
	givenPorts   = map[int]bool{}
	givenPortsMu sync.Mutex
)

// FreePort asks the system for a port that nothing listens on, and never gives one out twice.
func FreePort(tb testing.TB) int {
	tb.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", net.JoinHostPort(Loopback, "0"))
		if err != nil {
			tb.Fatalf("no free port: %v", err)
		}
		port := listener.Addr().(*net.TCPAddr).Port
		_ = listener.Close()
		givenPortsMu.Lock()
		known := givenPorts[port]
		givenPorts[port] = true
		givenPortsMu.Unlock()
		if !known {
			return port
		}
	}
	tb.Fatal("the system gives no new port")
	return 0
}

// address writes host:port of a local port.
func address(port int) string { return fmt.Sprintf("%s:%d", Loopback, port) }
