// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

const (
	// shownBytes of an answer go into a message: Loki can name each refused entry.
	shownBytes = 1024
	// drainedBytes are read to use the connection again; behind a longer answer a new one is cheaper.
	drainedBytes = 64 * 1024
)

// readAnswer closes an answer and says what it means: nil for 2xx; an error to try again for 429 and 5xx, after the
// time in Retry-After if there is one; a permanent error for everything else.
func readAnswer(response *http.Response, now time.Time) error {
	defer func() {
		_, _ = io.CopyN(io.Discard, response.Body, drainedBytes)
		_ = response.Body.Close()
	}()
	status := response.StatusCode
	if status >= 200 && status <= 299 {
		return nil
	}
	err := fmt.Errorf("answer of Loki: %s", describe(response))
	if status != http.StatusTooManyRequests && status < 500 {
		return consumererror.NewPermanent(err)
	}
	if delay := retryAfter(response.Header.Get("Retry-After"), now); delay > 0 {
		return &throttled{error: exporterhelper.NewThrottleRetry(err, delay), delay: delay}
	}
	return err
}

// describe makes one line of status and text, and a hint where a status alone says little.
func describe(response *http.Response) string {
	text, _ := io.ReadAll(io.LimitReader(response.Body, shownBytes))
	line := fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode))
	if words := strings.Fields(strings.ToValidUTF8(string(text), "\uFFFD")); len(words) > 0 {
		line += ": " + strings.Join(words, " ")
	}
	if response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusMethodNotAllowed {
		line += " (endpoint is the whole URL, with /loki/api/v1/push)"
	}
	return line
}

// retryAfter reads a number of seconds or a date, 0 if there is neither or it is past.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// throttled keeps the delay of a throttling error readable: exporterhelper's own type has it, but hides it.
type throttled struct {
	error
	delay time.Duration
}

// Unwrap shows exporterhelper its error.
func (t *throttled) Unwrap() error { return t.error }

// longestDelay joins errors so that exporterhelper, which looks at the first delay it finds, finds the longest.
func longestDelay(errs []error) error {
	first, longest := 0, time.Duration(0)
	for i, err := range errs {
		var t *throttled
		if errors.As(err, &t) && t.delay > longest {
			first, longest = i, t.delay
		}
	}
	errs[0], errs[first] = errs[first], errs[0]
	return errors.Join(errs...)
}
