// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import (
	"crypto/sha256"
	"encoding/binary"
)

// Key tells requests apart. It depends on nothing but what the agent wrote, so it is the same in every process and
// after every restart.
type Key [16]byte

// Number is a part of the key, for use as a hash.
func (k Key) Number() uint64 { return binary.LittleEndian.Uint64(k[:8]) }

// keyOf makes a key of what names a request. A cryptographic hash, because clients choose the parts: nobody shall be
// able to make another's request look like a duplicate.
func keyOf(parts ...string) Key {
	h := sha256.New()
	var length [8]byte
	for _, part := range parts {
		binary.LittleEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	var sum [sha256.Size]byte
	return Key(h.Sum(sum[:0])[:16])
}
