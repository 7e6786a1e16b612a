// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"strings"
	"unicode/utf8"
)

// DefaultKey is the attribute that tells users apart where nothing else is configured.
const DefaultKey = "user.email"

// keySpellings are the attributes that are asked for a key, in this order. Cursor sends addresses under a name of its
// own, and what has been through Prometheus has underscores.
func keySpellings(key string) []string {
	if key == DefaultKey {
		return []string{key, "user_email", "cursor.user.email"}
	}
	return []string{key}
}

// foldedKey is how keys are compared: without surrounding space, and e-mail addresses, that is whatever has an @,
// without regard to case. Everything else is exact: identifiers may differ in case only. at is where the @ is, or -1.
// Addresses that are in lower case already, as nearly all are, cost no allocation.
func foldedKey(key string) (folded string, at int) {
	key = strings.TrimSpace(key)
	at = strings.LastIndexByte(key, '@')
	if at < 0 {
		return key, at
	}
	for i := range len(key) {
		if char := key[i]; 'A' <= char && char <= 'Z' || char >= utf8.RuneSelf {
			key = strings.ToLower(key)
			return key, strings.LastIndexByte(key, '@')
		}
	}
	return key, at
}

// isPattern says whether a key of a file stands for all addresses of a domain.
func isPattern(key string) bool { return strings.HasPrefix(key, "*") }

// patternSuffix is what the addresses end in that a pattern stands for: `*@example.com` for one domain, `*.example.com`
// for the domains below it. False if it is neither.
func patternSuffix(key string) (string, bool) {
	suffix := strings.ToLower(key[1:])
	if len(suffix) < 2 || suffix[0] != '@' && suffix[0] != '.' || strings.ContainsAny(suffix[1:], "*@ ") {
		return "", false
	}
	return suffix, true
}
