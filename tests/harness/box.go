package harness

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Box is a network of its own, with a file /etc/hosts of its own, for programs whose configurations name fixed ports and
// hosts: what runs in one box clashes with nothing in another, and nothing of a configuration has to be changed. The
// interior is reached through Publish, as with a container.
//
// A box is one thread of the test binary that has left the machine's network and mount namespaces. What is started,
// dialled or listened to on that thread is inside.
type Box struct {
	work chan func()
}

// StartBox makes a box for the test in which each of the names means the loopback address. It needs the right to make
// namespaces, which root has; without it the test fails, because a run with changed ports would prove something else.
func StartBox(tb testing.TB, names ...string) *Box {
	tb.Helper()
	hosts := filepath.Join(tb.TempDir(), "hosts")
	line := fmt.Sprintf("%s localhost %s\n", Loopback, strings.Join(names, " "))
	if err := os.WriteFile(hosts, []byte(line), 0o644); err != nil { // #nosec G306 -- read by every program of the box
		tb.Fatal(err)
	}
	box := &Box{work: make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: a thread in other namespaces must never serve other goroutines
		entered <- leaveNamespaces(hosts)
		for work := range box.work {
			work()
		}
	}()
	if err := <-entered; err != nil {
		tb.Fatalf("this test runs programs in a network of their own, which takes root: %v", err)
	}
	tb.Cleanup(func() { close(box.work) })
	return box
}

// leaveNamespaces gives the calling thread an own network with a loopback interface, and an own /etc/hosts.
func leaveNamespaces(hosts string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting /etc/hosts: %w", err)
	}
	return raiseLoopback()
}

func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("raising the loopback interface: %w", err)
	}
	return nil
}

// inside does something on the box's thread and waits for it.
func (b *Box) inside(work func()) {
	done := make(chan struct{})
	b.work <- func() {
		defer close(done)
		work()
	}
	<-done
}

// Listen opens a port on the box's loopback interface, for a server of the test; it is closed with the test.
func (b *Box) Listen(tb testing.TB, port int) net.Listener {
	tb.Helper()
	var listener net.Listener
	var err error
	b.inside(func() { listener, err = net.Listen("tcp", address(port)) })
	if err != nil {
		tb.Fatalf("listening inside the box: %v", err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	return listener
}

// Dial connects to a port on the box's loopback interface.
func (b *Box) Dial(port int) (net.Conn, error) {
	var conn net.Conn
	var err error
	b.inside(func() { conn, err = net.Dial("tcp", address(port)) })
	return conn, err
}

// Publish makes a port of the box reachable from outside and returns under which port.
func (b *Box) Publish(tb testing.TB, port int) int {
	tb.Helper()
	outside, err := net.Listen("tcp", net.JoinHostPort(Loopback, "0"))
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := outside.Accept()
			if err != nil {
				return // closed
			}
			b.join(conn, port)
		}
	}()
	tb.Cleanup(func() {
		_ = outside.Close()
		<-ended // the box must still be there for the last connection
	})
	return outside.Addr().(*net.TCPAddr).Port
}

// join connects an accepted connection with a port of the box, or closes it if nothing listens there.
func (b *Box) join(conn net.Conn, port int) {
	inner, err := b.Dial(port)
	if err != nil {
		_ = conn.Close()
		return
	}
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // an end of either side ends both
		_ = to.Close()
		_ = from.Close()
	}
	go pass(inner, conn)
	go pass(conn, inner)
}
