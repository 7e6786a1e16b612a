package harness

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// SmallDisk mounts a file system of its own, of a size like "32m", until the test ends. It skips the test where that is
// not allowed.
func SmallDisk(tb testing.TB, size string) string {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("mounting a small file system needs root")
	}
	directory := tb.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size="+size); err != nil {
		tb.Skipf("this system lets root mount nothing: %v", err)
	}
	tb.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil {
			tb.Errorf("unmount %s: %v", directory, err)
		}
	})
	return directory
}

// FillDisk takes all space that is left below a directory, and returns what gives it back.
func FillDisk(tb testing.TB, directory string) (release func()) {
	tb.Helper()
	name := filepath.Join(directory, "filler")
	file, err := os.Create(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		_, err := file.Write(make([]byte, size))
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			tb.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			tb.Error(err)
		}
	}
}

// Protect makes a file system that SmallDisk mounted read-only. Permissions would not stop root.
func Protect(tb testing.TB, directory string) {
	tb.Helper()
	if err := syscall.Mount("", directory, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		tb.Fatalf("making %s read-only: %v", directory, err)
	}
}
