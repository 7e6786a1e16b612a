// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/component"
)

const (
	// maxDirectoryName keeps names well below the 255 bytes that file systems take.
	maxDirectoryName = 200
	// keptOfLongName is how much of a longer name stays readable.
	keptOfLongName = 120
)

// directoryName is a component's identifier as the name of one directory: `token_ledger/2` becomes `token_ledger-2`.
//
// Different identifiers have different names: a type has no `-`, so the first one ends it. Of the name, what is not a
// letter or digit of ASCII, `_`, `-` or `.` is written as in URLs, byte by byte (`token_ledger-a%2Fb`); a long name ends
// with its digest, behind a `~`, which no other name has.
func directoryName(id component.ID) string {
	name := id.Type().String()
	if id.Name() != "" {
		name += "-" + escaped(id.Name())
	}
	if len(name) <= maxDirectoryName {
		return name
	}
	digest := sha256.Sum256([]byte(id.String()))
	return name[:keptOfLongName] + "~" + hex.EncodeToString(digest[:16])
}

func escaped(name string) string {
	var out strings.Builder
	for i := range len(name) {
		if c := name[i]; isPlain(c) {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}
