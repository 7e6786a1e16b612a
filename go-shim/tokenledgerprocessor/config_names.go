// SPDX-License-Identifier: Apache-2.0

package tokenledgerprocessor // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerprocessor"

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func validateOneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s is %q: use %s", key, value, quotedAlternatives(allowed))
}

func quotedAlternatives(values []string) string { return quoted(values, " or ") }

// quotedList names values; "nothing" where there are none.
func quotedList(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return quoted(values, ", ")
}

func quoted(values []string, between string) string {
	texts := make([]string, 0, len(values))
	for _, value := range values {
		texts = append(texts, fmt.Sprintf("%q", value))
	}
	return strings.Join(texts, between)
}

// validateNames reports names that are empty, or that stand in a list twice. what is said is to be named instead.
func validateNames(key, what string, names []string) error {
	var errs error
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		switch {
		case strings.TrimSpace(name) == "":
			errs = errors.Join(errs, fmt.Errorf("%s has %q at position %d: name %s or remove the entry", key, name, i+1, what))
		case seen[name]:
			errs = errors.Join(errs, fmt.Errorf("%s has %q twice: remove one", key, name))
		}
		seen[name] = true
	}
	return errs
}

// validateMetadataKeys does the same for keys of client metadata, which are compared without regard to case.
func validateMetadataKeys(keys []string) error {
	var errs error
	seen := make(map[string]string, len(keys))
	for i, key := range keys {
		folded := strings.ToLower(key)
		if strings.TrimSpace(key) == "" {
			errs = errors.Join(errs, fmt.Errorf("metadata_keys has %q at position %d: name a metadata key or remove the entry", key, i+1))
			continue
		}
		if first, ok := seen[folded]; ok {
			errs = errors.Join(errs, fmt.Errorf("metadata_keys has %q and %q: keys are compared without regard to case, remove one", first, key))
			continue
		}
		seen[folded] = key
	}
	return errs
}
