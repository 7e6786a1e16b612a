package seeds

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Answer is the answer to a question: for a question with stats, one number per group; else the records themselves.
type Answer struct {
	Groups  map[string]float64 // by the values of the labels, joined by commas
	Records []Record
}

// Of LogsQL, only what the stacks' dashboards use: filters by word or quoted phrase in a field, then perhaps
// `| stats [by (fields)] count()|sum(field)|avg(field) [as name]`. Everything else is an error, so that a question is
// never answered by guessing.
var (
	filterPattern = regexp.MustCompile(`^([\w.]+):(?:"([^"]*)"|([^\s"]+))\s*`)
	statsPattern  = regexp.MustCompile(`^stats\s+(?:by\s*\(([^)]*)\)\s*)?(count|sum|avg)\(([\w.]*)\)(?:\s+as\s+\w+)?$`)
)

// Ask answers a question.
func (v *VictoriaLogs) Ask(question string) (Answer, error) {
	selection, pipe, counted := strings.Cut(strings.TrimSpace(question), "|")
	selected := v.Records()
	for rest := strings.TrimSpace(selection); rest != ""; {
		match := filterPattern.FindStringSubmatch(rest)
		if match == nil {
			return Answer{}, fmt.Errorf("filter %q of %q is not one that this stand-in knows", rest, question)
		}
		field, phrase := match[1], match[2]+match[3]
		selected = slices.DeleteFunc(selected, func(r Record) bool { return !contains(r[field], phrase) })
		rest = rest[len(match[0]):]
	}
	if !counted {
		return Answer{Records: selected}, nil
	}
	match := statsPattern.FindStringSubmatch(strings.TrimSpace(pipe))
	if match == nil {
		return Answer{}, fmt.Errorf("pipe %q of %q is not one that this stand-in knows", pipe, question)
	}
	groups, err := stats(selected, fields(match[1]), match[2], match[3])
	return Answer{Groups: groups}, err
}

// contains is the phrase filter: the phrase occurs, and does not begin or end within a word.
func contains(text, phrase string) bool {
	found, err := regexp.MatchString(`(?:^|\W)`+regexp.QuoteMeta(phrase)+`(?:\W|$)`, text)
	return err == nil && found
}

func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func stats(records []Record, by []string, function, field string) (map[string]float64, error) {
	sums, counts := map[string]float64{}, map[string]float64{}
	if len(by) == 0 {
		sums[""], counts[""] = 0, 0 // a total exists even of nothing
	}
	for _, record := range records {
		var values []string
		for _, name := range by {
			values = append(values, record[name])
		}
		group := strings.Join(values, ",")
		if function == "count" {
			counts[group]++
			continue
		}
		value, err := strconv.ParseFloat(record[field], 64)
		if err != nil {
			return nil, fmt.Errorf("%s of a record is %q, not a number: %v", field, record[field], record)
		}
		sums[group] += value
		counts[group]++
	}
	switch function {
	case "count":
		return counts, nil
	case "avg":
		for group := range sums {
			sums[group] /= counts[group]
		}
	}
	return sums, nil
}

// SameAnswer compares two answers; records are compared whatever their order.
func SameAnswer(want, got Answer) error {
	for group, value := range want.Groups {
		if other, found := got.Groups[group]; !found || !Same(value, other) {
			return fmt.Errorf("group %q is %v, should be %v", group, other, value)
		}
	}
	if len(want.Groups) != len(got.Groups) || len(want.Records) != len(got.Records) {
		return fmt.Errorf("%d groups and %d records, should be %d and %d",
			len(got.Groups), len(got.Records), len(want.Groups), len(want.Records))
	}
	missing := map[string]int{}
	for i := range want.Records {
		missing[want.Records[i].text()]++
		missing[got.Records[i].text()]--
	}
	for text, count := range missing {
		if count != 0 {
			return fmt.Errorf("%+d of this record: %s", -count, text)
		}
	}
	return nil
}

// text writes all fields in order.
func (r Record) text() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r)) {
		out = append(out, name+"="+r[name])
	}
	return strings.Join(out, " ")
}
