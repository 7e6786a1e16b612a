// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Names in files that are not attributes.
const (
	budgetLimit  = "budget_usd"
	budgetPeriod = "budget_period"
)

// Bounds of a file. Attributes become labels of every series, so more than a few are a mistake.
const (
	maxColumns  = 64
	maxText     = 1024 // bytes of a key, a name or a value
	maxProblems = 10   // named in one error
)

// file is what an attribution file says.
type file struct {
	columns []string // attributes, in order of appearance
	users   []user
	budgets []Budget
}

// user is what a file says of one key, or of all that a pattern stands for.
type user struct {
	key    string   // as written, without surrounding space
	values []string // by column, empty where nothing is said; may be shorter
}

// format reads one kind of file.
type format func(content []byte, reader *reader)

// reader collects what a file says, and what is wrong with it.
type reader struct {
	key      string   // the attribute that the file is keyed by
	selected []string // attributes to take; all if empty

	file     file
	problems []string
	ignored  int                 // problems beyond maxProblems
	lines    map[string]int      // of folded keys
	limits   map[string]int      // of budgets of groups, by whose they are
	shared   map[string]string   // texts that occur often, once
	rows     map[string][]string // values of users that are alike, once
	rowID    []byte              // room for a key of rows
}

// parse reads a file. Its name decides between CSV and YAML, and where that tells nothing its content. What is wrong is
// said with line numbers and what to do; what a file says of people is not repeated.
func parse(name string, content []byte, key string, selected []string) (*file, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	r := &reader{
		key: key, selected: selected,
		lines: map[string]int{}, limits: map[string]int{}, shared: map[string]string{}, rows: map[string][]string{},
	}
	if err := checkText(content); err != nil {
		return nil, err
	}
	formatOf(name, content)(content, r)
	r.checkSelected()
	if len(r.problems) == 0 && len(r.file.users) == 0 && len(r.file.budgets) == 0 {
		return nil, errors.New("it names no user and no budget: add one, or remove the setting `file`")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return &r.file, nil
}

// checkText refuses what is no UTF-8 text.
func checkText(content []byte) error {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return errors.New("it is UTF-16: save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")")
	}
	if at := bytes.IndexByte(content, 0); at >= 0 {
		return fmt.Errorf("line %d has a zero byte: save the file as UTF-8 text", lineAt(content, at))
	}
	if utf8.Valid(content) {
		return nil
	}
	for at := 0; ; {
		char, size := utf8.DecodeRune(content[at:])
		if char == utf8.RuneError && size <= 1 {
			return fmt.Errorf("line %d is not UTF-8: save the file as UTF-8 (in a spreadsheet: \"CSV UTF-8\")", lineAt(content, at))
		}
		at += size
	}
}

func lineAt(content []byte, at int) int { return 1 + bytes.Count(content[:at], []byte("\n")) }

func formatOf(name string, content []byte) format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv":
		return readCSV
	case ".yaml", ".yml":
		return readYAML
	}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.HasPrefix(line, "---") || line[0] == '{' || strings.HasPrefix(line, "users:") || strings.HasPrefix(line, "budgets:") {
			return readYAML
		}
		break
	}
	return readCSV
}

// problem notes what is wrong in a line.
func (r *reader) problem(line int, format string, arguments ...any) {
	if len(r.problems) == maxProblems {
		r.ignored++
		return
	}
	text := fmt.Sprintf(format, arguments...)
	if line > 0 {
		text = fmt.Sprintf("line %d: %s", line, text)
	}
	r.problems = append(r.problems, text)
}

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	if r.ignored > 0 {
		r.problems = append(r.problems, fmt.Sprintf("and %d more", r.ignored))
	}
	return errors.New(strings.Join(r.problems, "; "))
}

// column is the place of an attribute among the file's; a new one is added.
func (r *reader) column(name string) int {
	if at := slices.Index(r.file.columns, name); at >= 0 {
		return at
	}
	r.file.columns = append(r.file.columns, name)
	return len(r.file.columns) - 1
}

// isSelected says whether an attribute is to be taken.
func (r *reader) isSelected(name string) bool {
	return len(r.selected) == 0 || slices.Contains(r.selected, name)
}

// checkSelected reports attributes that are to be taken but that the file does not have: most likely a typo.
func (r *reader) checkSelected() {
	for _, name := range r.selected {
		if len(r.problems) == 0 && !slices.Contains(r.file.columns, name) {
			r.problem(0, "it has no attribute %q, which the setting `attributes` names; it has %s", name, strings.Join(quotedNames(r.file.columns), ", "))
		}
	}
}

func quotedNames(names []string) []string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		out = append(out, fmt.Sprintf("%q", clip(name)))
	}
	if len(out) == 0 {
		out = append(out, "none")
	}
	return out
}

// user takes what is said of one key. Key and values are the file's own from now on; see row.
func (r *reader) user(line int, key string, values []string) {
	folded, _ := foldedKey(key)
	if isPattern(key) {
		suffix, ok := patternSuffix(key)
		if !ok {
			r.problem(line, "a pattern stands for the addresses of a domain: write *@example.com, or *.example.com for the domains below it")
			return
		}
		folded = "*" + suffix
	}
	if first, ok := r.lines[folded]; ok {
		r.problem(line, "it has the same %s as line %d: remove one of the two", r.key, first)
		return
	}
	r.lines[folded] = line
	r.file.users = append(r.file.users, user{key: key, values: values})
}

// userBudget is a limit for one key; its line is its own, because no key is there twice.
func (r *reader) userBudget(line int, key string, values []string, limit, period string) {
	switch {
	case limit == "" && period == "":
		return
	case limit == "":
		r.problem(line, "%s is set without %s: add the limit, or remove the period", budgetPeriod, budgetLimit)
		return
	case isPattern(key):
		r.problem(line, "a pattern cannot have a budget, which is one limit for one series: give the addresses an attribute of their own, such as a team, and that a budget")
		return
	}
	whose := make([]Attribute, 1, 1+len(values))
	whose[0] = Attribute{r.key, key}
	for at, value := range values {
		if value != "" {
			whose = append(whose, Attribute{r.file.columns[at], value})
		}
	}
	r.budget(line, whose, limit, period)
}

// groupBudget is a limit for all that have some attributes.
func (r *reader) groupBudget(line int, whose []Attribute, limit, period string) {
	id := make([]string, 0, len(whose)+1)
	for _, attribute := range whose {
		if attribute.Name == r.key {
			r.problem(line, "a budget of a group cannot name a %s: write %s at that user", r.key, budgetLimit)
			return
		}
		id = append(id, attribute.Name+"\x00"+attribute.Value)
	}
	slices.Sort(id) // the order of attributes means nothing
	all := strings.Join(append(id, strings.ToLower(period)), "\x00")
	if first, ok := r.limits[all]; ok {
		r.problem(line, "it has a budget for the same as line %d, and the same period: remove one of the two", first)
		return
	}
	r.limits[all] = line
	r.budget(line, whose, limit, period)
}

func (r *reader) budget(line int, whose []Attribute, limit, period string) {
	amount, err := parseLimit(limit)
	if err != nil {
		r.problem(line, "%s", err)
		return
	}
	if period, err = parsePeriod(period); err != nil {
		r.problem(line, "%s", err)
		return
	}
	r.file.budgets = append(r.file.budgets, Budget{Attributes: whose, LimitUSD: amount, Period: period})
}

// text checks a key, a name or a value, and takes surrounding space off.
func (r *reader) text(line int, text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		r.problem(line, "it has a text of %d bytes: use at most %d (is a quotation mark missing?)", len(text), maxText)
		return ""
	}
	return text
}

// share returns a text that does not keep a whole row in memory, and that equal texts share.
func (r *reader) share(text string) string {
	if shared, ok := r.shared[text]; ok {
		return shared
	}
	text = strings.Clone(text)
	r.shared[text] = text
	return text
}

// row returns a copy of values, which equal rows share: most users are in a team with others.
func (r *reader) row(values []string) []string {
	r.rowID = r.rowID[:0]
	for _, value := range values {
		r.rowID = append(append(r.rowID, value...), 0)
	}
	if row, ok := r.rows[string(r.rowID)]; ok {
		return row
	}
	row := make([]string, len(values))
	for i, value := range values {
		row[i] = r.share(value)
	}
	r.rows[string(r.rowID)] = row
	return row
}
