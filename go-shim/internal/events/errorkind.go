// SPDX-License-Identifier: Apache-2.0

package events // import "github.com/tokenledger/tokenledger/go-shim/internal/events"

import "strings"

// ErrorKind is why a request failed, out of a small fixed set: texts of errors are without bound, and quote prompts.
type ErrorKind string

// The kinds of errors.
const (
	ErrorAuthentication ErrorKind = "authentication"
	ErrorInvalidRequest ErrorKind = "invalid_request"
	ErrorRateLimited    ErrorKind = "rate_limited"
	ErrorOverloaded     ErrorKind = "overloaded"
	ErrorServer         ErrorKind = "server_error"
	ErrorTimeout        ErrorKind = "timeout"
	ErrorCancelled      ErrorKind = "cancelled"
	ErrorConnection     ErrorKind = "connection"
	ErrorOther          ErrorKind = "other"
)

// errorKind reads the kind from the status of the answer, else from words in what the agent calls the error.
func errorKind(f *fields, statusNames []string, textNames ...string) ErrorKind {
	for _, name := range statusNames {
		if status, state := f.number(name); state == usable {
			if kind, ok := kindOfStatus(status); ok {
				return kind
			}
		}
	}
	for _, name := range textNames {
		if kind, ok := kindOfText(f.text(name)); ok {
			return kind
		}
	}
	return ErrorOther
}

func kindOfStatus(status float64) (ErrorKind, bool) {
	switch {
	case status == 401 || status == 403:
		return ErrorAuthentication, true
	case status == 408 || status == 504:
		return ErrorTimeout, true
	case status == 429:
		return ErrorRateLimited, true
	case status == 499:
		return ErrorCancelled, true
	case status == 503 || status == 529: // 529 is Anthropic's
		return ErrorOverloaded, true
	case status >= 400 && status < 500:
		return ErrorInvalidRequest, true
	case status >= 500 && status < 600:
		return ErrorServer, true
	default:
		return "", false
	}
}

var errorWords = []struct {
	word string
	kind ErrorKind
}{
	{"rate limit", ErrorRateLimited}, {"rate_limit", ErrorRateLimited}, {"ratelimit", ErrorRateLimited}, {"quota", ErrorRateLimited}, {"429", ErrorRateLimited},
	{"overloaded", ErrorOverloaded}, {"unavailable", ErrorOverloaded},
	{"timeout", ErrorTimeout}, {"timed out", ErrorTimeout}, {"deadline", ErrorTimeout},
	{"abort", ErrorCancelled}, {"cancel", ErrorCancelled},
	{"unauthori", ErrorAuthentication}, {"authentication", ErrorAuthentication}, {"permission", ErrorAuthentication}, {"forbidden", ErrorAuthentication},
	{"invalid", ErrorInvalidRequest}, {"bad request", ErrorInvalidRequest}, {"badrequest", ErrorInvalidRequest}, {"not_found", ErrorInvalidRequest},
	{"connect", ErrorConnection}, {"network", ErrorConnection}, {"econn", ErrorConnection}, {"fetch failed", ErrorConnection}, {"dns", ErrorConnection},
	{"internal server", ErrorServer}, {"server_error", ErrorServer}, {"api_error", ErrorServer},
}

// kindOfText looks for words in the beginning of a text; nothing of the text is kept.
func kindOfText(text string) (ErrorKind, bool) {
	if text == "" {
		return "", false
	}
	lower := strings.ToLower(text)
	for _, known := range errorWords {
		if strings.Contains(lower, known.word) {
			return known.kind, true
		}
	}
	return "", false
}
