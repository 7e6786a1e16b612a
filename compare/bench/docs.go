package main

import (
	"fmt"
	"os"
	"strings"
)

// Everything between these lines of the page is written by the command, everything else by hand.
const (
	beginMarker = "<!-- written by `make bench`: begin -->"
	endMarker   = "<!-- written by `make bench`: end -->"
)

// writeBetweenMarkers puts text into a page and keeps what stands around it.
func writeBetweenMarkers(path, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), beginMarker)
	_, after, ends := strings.Cut(rest, endMarker)
	if !begins || !ends {
		return fmt.Errorf("%s has no lines %q and %q", path, beginMarker, endMarker)
	}
	page = []byte(before + beginMarker + "\n\n" + strings.TrimSpace(text) + "\n\n" + endMarker + after)
	return os.WriteFile(path, page, 0o644)
}
