// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Periods of a budget.
const (
	PeriodDay   = "day"
	PeriodWeek  = "week"
	PeriodMonth = "month"
)

var periods = []string{PeriodDay, PeriodWeek, PeriodMonth}

// Budget is what a user or a group may spend.
type Budget struct {
	// Attributes say whose budget it is: of a user the key and the user's attributes, else what the file matches.
	Attributes []Attribute
	// LimitUSD is the limit in US dollars, at least 0.
	LimitUSD float64
	// Period is how long the limit is for: PeriodDay, PeriodWeek or PeriodMonth.
	Period string
}

// Attribute is a name with its value.
type Attribute struct{ Name, Value string }

// parseLimit reads an amount of dollars. It is stricter than other readers of numbers: `1,000`, `1e3` and `$5` mean
// different things to different people.
func parseLimit(text string) (float64, error) {
	const remedy = "write US dollars with digits and at most one dot, such as 2000 or 99.50"
	if digits := strings.Trim(text, "0123456789"); digits != "" && digits != "." || text == "." {
		if strings.HasPrefix(text, "-") {
			return 0, fmt.Errorf("%q is negative: %s", clip(text), remedy)
		}
		return 0, fmt.Errorf("%q is not an amount: %s", clip(text), remedy)
	}
	limit, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(limit, 0) || limit > maxLimitUSD {
		return 0, fmt.Errorf("%q is more than %.0f: %s", clip(text), maxLimitUSD, remedy)
	}
	return limit, nil
}

// maxLimitUSD is where an amount is certainly a mistake.
const maxLimitUSD = 1e12

// parsePeriod reads a period; none is a month.
func parsePeriod(text string) (string, error) {
	period := strings.ToLower(text)
	switch {
	case period == "":
		return PeriodMonth, nil
	case slices.Contains(periods, period):
		return period, nil
	default:
		return "", fmt.Errorf("%q is no period: write day, week or month, or leave it out for a month", clip(text))
	}
}

// clip shortens a text for a message.
func clip(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
