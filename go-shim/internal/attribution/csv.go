// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// csvHeader says where what is in a row.
type csvHeader struct {
	key, limit, period int // places of the special columns, -1 if there is none
	names              []string
	place              []int // among the file's attributes; -1 for special columns and those that are not taken
}

// readCSV reads a table with a header. One column is the key, the others are attributes of it. A row without a key is a
// budget of its attributes.
func readCSV(content []byte, r *reader) {
	rows := csv.NewReader(bytes.NewReader(content))
	rows.Comma = separator(content)
	rows.Comment = '#'
	rows.FieldsPerRecord = -1 // counted here, to say what to do
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			r.csvProblem(err)
		}
		return // an empty file is reported by parse
	}
	line, _ := rows.FieldPos(0)
	t, ok := r.header(line, header)
	if !ok {
		return
	}
	values := make([]string, len(r.file.columns))
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.csvProblem(err)
			return // what follows a quotation mark in the wrong place is noise
		}
		line, _ := rows.FieldPos(0)
		if len(row) != len(t.names) {
			r.problem(line, "it has %d fields, the header has %d: add or remove separators (a field that contains one has to be in quotation marks)", len(row), len(t.names))
			continue
		}
		for i := range row {
			row[i] = r.text(line, row[i])
		}
		r.csvRow(line, t, row, values)
	}
}

// csvRow takes one row. values is room for the values of attributes.
func (r *reader) csvRow(line int, t *csvHeader, row, values []string) {
	limit, period := at(row, t.limit), at(row, t.period)
	key := row[t.key]
	if key == "" {
		r.csvBudget(line, t, row, limit, period)
		return
	}
	for i, place := range t.place {
		if place >= 0 {
			values[place] = row[i]
		}
	}
	key, values = strings.Clone(key), r.row(values)
	r.user(line, key, values)
	r.userBudget(line, key, values, limit, period)
}

// csvBudget takes a row without a key: the budget of its attributes, also of those that are not added to telemetry.
func (r *reader) csvBudget(line int, t *csvHeader, row []string, limit, period string) {
	var whose []Attribute
	for i, value := range row {
		if value != "" && i != t.limit && i != t.period {
			whose = append(whose, Attribute{r.share(t.names[i]), r.share(value)})
		}
	}
	switch {
	case len(whose) == 0 && limit == "" && period == "":
		// An empty row, as spreadsheets leave them behind.
	case len(whose) == 0:
		r.problem(line, "it has a budget, but neither a %s nor an attribute that says whose: add one", r.key)
	case limit == "":
		r.problem(line, "it has neither a %s nor a %s: add the key of a user, or the budget of a group", r.key, budgetLimit)
	default:
		r.groupBudget(line, whose, limit, period)
	}
}

func at(row []string, place int) string {
	if place < 0 {
		return ""
	}
	return row[place]
}

// header finds out what is in which column.
func (r *reader) header(line int, header []string) (*csvHeader, bool) {
	t := &csvHeader{key: -1, limit: -1, period: -1}
	for i, name := range header {
		name = strings.Clone(r.text(line, name))
		place := -1
		switch {
		case name == "":
			r.problem(line, "column %d has no name: name it or remove it", i+1)
		case slices.Contains(t.names, name):
			r.problem(line, "the header has %q twice: remove one of the two columns", clip(name))
		case strings.EqualFold(name, budgetLimit):
			t.limit = i
		case strings.EqualFold(name, budgetPeriod):
			t.period = i
		case r.isKeyColumn(name):
			if t.key >= 0 {
				r.problem(line, "columns %q and %q both are the key: remove one", clip(t.names[t.key]), clip(name))
			}
			t.key = i
		case r.isSelected(name):
			place = r.column(name)
		}
		t.names, t.place = append(t.names, name), append(t.place, place)
	}
	if len(r.problems) == 0 && t.key < 0 {
		r.problem(line, "no column is named %s: name the column of the key so, or set `key`; the columns are %s", strings.Join(r.keyColumns(), " or "), strings.Join(quotedNames(t.names), ", "))
	}
	if len(r.file.columns) > maxColumns {
		r.problem(line, "it has %d attributes: use at most %d, or choose some with the setting `attributes`", len(r.file.columns), maxColumns)
	}
	return t, len(r.problems) == 0
}

// keyColumns are the names that the column of the key may have.
func (r *reader) keyColumns() []string {
	names := []string{r.key}
	if underscored := strings.ReplaceAll(r.key, ".", "_"); underscored != r.key {
		names = append(names, underscored)
	}
	if r.key == DefaultKey {
		names = append(names, "email")
	}
	return names
}

func (r *reader) isKeyColumn(name string) bool {
	return slices.ContainsFunc(r.keyColumns(), func(known string) bool { return strings.EqualFold(name, known) })
}

// csvProblem notes an error of the CSV reader.
func (r *reader) csvProblem(err error) {
	var at *csv.ParseError
	if !errors.As(err, &at) {
		r.problem(0, "%s", err)
		return
	}
	where := fmt.Sprintf("column %d", at.Column)
	if at.StartLine != at.Line {
		where += fmt.Sprintf(" of line %d", at.Line)
	}
	r.problem(at.StartLine, "a quotation mark is in the wrong place (%s): a field is either wholly in quotation marks, with those inside doubled, or has none", where)
}

// separator is what stands between the columns. Spreadsheets write semicolons where the comma is the decimal sign.
func separator(content []byte) rune {
	for line := range bytes.Lines(content) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		for _, candidate := range []rune{',', ';', '\t'} {
			if bytes.ContainsRune(line, candidate) {
				return candidate
			}
		}
		break
	}
	return ','
}
