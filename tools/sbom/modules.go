// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// goModules are the modules in a binary, in the linker's order, which is that of their names, after the standard library.
// A module that was replaced by a folder of this repository is part of it and keeps its own name and version.
func goModules(info *debug.BuildInfo) []cdx.Component {
	toolchain := strings.TrimPrefix(info.GoVersion, "go")
	components := []cdx.Component{goModule("std", toolchain)}
	for _, module := range info.Deps {
		if replacement := module.Replace; replacement != nil && !strings.HasPrefix(replacement.Path, ".") {
			module = replacement
		}
		components = append(components, goModule(module.Path, module.Version))
	}
	return components
}

func goModule(path, version string) cdx.Component {
	url := "pkg:golang/" + path + "@" + escape(version)
	return cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url}
}

// escape writes a version as package URLs want it: a plus, as in v2.0.0+incompatible, would stand for a blank.
func escape(version string) string {
	return strings.ReplaceAll(version, "+", "%2B")
}
