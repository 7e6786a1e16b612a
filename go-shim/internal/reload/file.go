// SPDX-License-Identifier: Apache-2.0

package reload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// stat says what is at a path, following symbolic links.
func stat(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, withRemedy(err)
	}
	return info, nil
}

// readFile reads a regular file of at most limit bytes, and returns what it was while it was read.
func readFile(path string, limit int64) (os.FileInfo, []byte, error) {
	// Asked before opening: opening a pipe waits for a writer.
	info, err := stat(path)
	if err != nil {
		return nil, nil, err
	}
	if err := check(info, limit); err != nil {
		return nil, nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, withRemedy(err)
	}
	defer func() { _ = file.Close() }()
	if info, err = file.Stat(); err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("it cannot be read: %w", bare(err))
	}
	if int64(len(content)) > limit {
		return nil, nil, tooLarge(limit) // it grew meanwhile
	}
	return info, content, nil
}

// check refuses what is not to be read.
func check(info os.FileInfo, limit int64) error {
	switch {
	case info.IsDir():
		return errors.New("it is a directory: name the file in it (a bind mount of a file that does not exist makes a directory)")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file: name a file")
	case info.Size() > limit:
		return tooLarge(limit)
	default:
		return nil
	}
}

func tooLarge(limit int64) error {
	return fmt.Errorf("it is larger than %d bytes: shorten it, or check that it is the right file", limit)
}

// isSame says whether nothing indicates that the content has changed: the same file of the same size and time.
func isSame(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}

// withRemedy says what to do about a file that cannot be opened. The path is said by whoever reports it.
func withRemedy(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("it does not exist: create it, or correct the path (in a container: mount it): %w", bare(err))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the collector's user may not read it: change its mode or owner: %w", bare(err))
	default:
		return fmt.Errorf("it cannot be opened: %w", bare(err))
	}
}

// bare removes operation and path from an error of the file system.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
