// SPDX-License-Identifier: Apache-2.0

package lokitest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// ParseLabels reads {a="b", c="d"}: at least one label, in the order of their names, each name once, no empty value.
// Loki finds streams by their labels whatever the order, but this text is also what it hashes to spread them.
func ParseLabels(text string) (map[string]string, error) {
	inner, ok := strings.CutPrefix(text, "{")
	if inner, ok = cutSuffixIf(ok, inner, "}"); !ok {
		return nil, fmt.Errorf("labels %q: not in braces", text)
	}
	if strings.ContainsRune(text, utf8.RuneError) {
		return nil, fmt.Errorf("labels %q: no UTF-8, or U+FFFD that is no escape, which Loki takes for the same", text)
	}
	labels := map[string]string{}
	last := ""
	for first := true; inner != "" || first; first = false {
		if !first {
			if inner, ok = strings.CutPrefix(inner, ", "); !ok {
				return nil, fmt.Errorf("labels %q: no comma and space before %q", text, inner)
			}
		}
		name, rest, err := oneLabel(inner, labels)
		if err != nil {
			return nil, fmt.Errorf("labels %q: %w", text, err)
		}
		if name <= last {
			return nil, fmt.Errorf("labels %q: %q does not come after %q", text, name, last)
		}
		last, inner = name, rest
	}
	return labels, nil
}

func cutSuffixIf(ok bool, text, suffix string) (string, bool) {
	if !ok {
		return text, false
	}
	return strings.CutSuffix(text, suffix)
}

// oneLabel reads name="value" from the start of text and puts it into labels.
func oneLabel(text string, labels map[string]string) (name, rest string, err error) {
	name, rest, ok := strings.Cut(text, "=")
	if !ok || !labelName.MatchString(name) {
		return "", "", fmt.Errorf("%q is no name", name)
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil || quoted[0] != '"' {
		return "", "", fmt.Errorf("the value of %s is not in quotes", name)
	}
	value, err := strconv.Unquote(quoted)
	switch {
	case err != nil:
		return "", "", err
	case value == "":
		return "", "", fmt.Errorf("%s has no value", name)
	case !utf8.ValidString(value):
		return "", "", errors.New("a value is no UTF-8")
	}
	labels[name] = value
	return name, rest[len(quoted):], nil
}
