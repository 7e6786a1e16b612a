// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// tree has two programs that share a library.
const tree = "tokenledger-cli v1.0.0 (/some/where)\tApache-2.0\n" +
	"lib v0.2.0+native.3\tMIT OR Apache-2.0\n" +
	"deep v3.0.0\t\n" +
	"\n" +
	"tokenledger-ffi v1.0.0 (/some/where)\tApache-2.0\n" +
	"lib v0.2.0+native.3\tMIT OR Apache-2.0 (*)\n"

// TestCrates reads a tree with a repetition. It guarantees that each crate is listed once, sorted, with its licence, and
// that anything else than a tree is an error: a list that lacks half would pass for a list.
func TestCrates(t *testing.T) {
	components, err := crates(strings.NewReader(tree))
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for _, component := range components {
		urls = append(urls, component.PackageURL)
	}
	wanted := "pkg:cargo/deep@3.0.0 pkg:cargo/lib@0.2.0%2Bnative.3 pkg:cargo/tokenledger-cli@1.0.0 pkg:cargo/tokenledger-ffi@1.0.0"
	if got := strings.Join(urls, " "); got != wanted {
		t.Errorf("got  %s\nwant %s", got, wanted)
	}
	if components[0].Licenses != nil {
		t.Error("deep states no licence")
	}
	if licence := (*components[1].Licenses)[0].Expression; licence != "MIT OR Apache-2.0" {
		t.Errorf("licence of lib: %s", licence)
	}
	for _, broken := range []string{"", "\n", "lib v1.0.0\n", "lib\tMIT\n", "lib 1.0.0\tMIT\n", tree + "error: no\n"} {
		if _, err := crates(strings.NewReader(broken)); err == nil {
			t.Errorf("passed: %q", broken)
		}
	}
}

// TestGoModules lists a module, one replaced by a fork and one replaced by a folder. It guarantees that the fork is named
// instead, that the folder's module keeps its name, and that the standard library is there with the toolchain's version.
func TestGoModules(t *testing.T) {
	components := goModules(&debug.BuildInfo{GoVersion: "go1.26.1", Deps: []*debug.Module{
		{Path: "a.example/plain", Version: "v2.0.0+incompatible"},
		{Path: "b.example/forked", Version: "v1.0.0", Replace: &debug.Module{Path: "c.example/fork", Version: "v1.0.1"}},
		{Path: "d.example/ours", Version: "v0.0.0", Replace: &debug.Module{Path: "../ours"}},
	}})
	var urls []string
	for _, component := range components {
		urls = append(urls, component.PackageURL)
	}
	wanted := "pkg:golang/std@1.26.1 pkg:golang/a.example/plain@v2.0.0%2Bincompatible pkg:golang/c.example/fork@v1.0.1 pkg:golang/d.example/ours@v0.0.0"
	if got := strings.Join(urls, " "); got != wanted {
		t.Errorf("got  %s\nwant %s", got, wanted)
	}
}

// TestDocument writes a document about this test's own binary twice. It guarantees that a reader of CycloneDX understands
// it, that it says what it is about, and that two are alike.
func TestDocument(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var documents [2]bytes.Buffer
	for i := range documents {
		if err := run(strings.NewReader(tree), &documents[i], own, "1.2.3", time.Unix(1_700_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if documents[0].String() != documents[1].String() {
		t.Error("two documents differ")
	}
	var read cdx.BOM
	if err := cdx.NewBOMDecoder(&documents[0], cdx.BOMFileFormatJSON).Decode(&read); err != nil {
		t.Fatal(err)
	}
	about := read.Metadata
	if about.Timestamp != "2023-11-14T22:13:20Z" || about.Component.Version != "1.2.3" {
		t.Errorf("metadata: %+v", about)
	}
	names := map[string]bool{}
	for _, component := range *read.Components {
		names[component.Name] = true
	}
	for _, name := range []string{"std", "github.com/CycloneDX/cyclonedx-go", "tokenledger-ffi", "deep"} {
		if !names[name] {
			t.Errorf("%s is missing in %v", name, names)
		}
	}
	if err := run(strings.NewReader(tree), &documents[0], "/no/such/file", "1", time.Now()); err == nil {
		t.Error("a missing binary passed")
	}
}
