// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// crates reads lines of cargo tree, `name v1.2.3 (where from)<tab>licence`, in which crates may come repeatedly. They are
// returned once each, sorted.
func crates(tree io.Reader) ([]cdx.Component, error) {
	byURL := map[string]cdx.Component{}
	lines := bufio.NewScanner(tree)
	for lines.Scan() {
		if lines.Text() == "" {
			continue // between two roots
		}
		component, err := crate(lines.Text())
		if err != nil {
			return nil, err
		}
		byURL[component.PackageURL] = component
	}
	if len(byURL) == 0 {
		return nil, fmt.Errorf("it is empty (%w)", io.ErrUnexpectedEOF)
	}
	components := make([]cdx.Component, 0, len(byURL))
	for _, component := range byURL {
		components = append(components, component)
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return strings.Compare(a.PackageURL, b.PackageURL) })
	return components, lines.Err()
}

func crate(line string) (cdx.Component, error) {
	what, licence, found := strings.Cut(strings.TrimSuffix(line, " (*)"), "\t") // the mark of a repetition
	words := strings.Fields(what)
	if !found || len(words) < 2 || !strings.HasPrefix(words[1], "v") {
		return cdx.Component{}, fmt.Errorf("not a crate with its version and licence: %q", line)
	}
	name, version := words[0], strings.TrimPrefix(words[1], "v")
	url := "pkg:cargo/" + name + "@" + escape(version)
	component := cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: url}
	if licence != "" {
		component.Licenses = &cdx.Licenses{{Expression: licence}}
	}
	return component, nil
}
