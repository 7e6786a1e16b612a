// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// said is what a file says, in a form that tests can write down.
type said struct {
	users   map[string]map[string]string
	budgets []Budget
}

func meaning(f *file) said {
	s := said{users: map[string]map[string]string{}, budgets: f.budgets}
	for _, user := range f.users {
		values := map[string]string{}
		for i, value := range user.values {
			if value != "" {
				values[f.columns[i]] = value
			}
		}
		s.users[user.key] = values
	}
	return s
}

// twoUsers is what several spellings of one file mean.
var twoUsers = said{
	users: map[string]map[string]string{
		"ann@example.com": {"team": "payments, core", "cost_center": "CC-7"},
		"bob@example.com": {"team": "search"},
	},
	budgets: []Budget{
		{Attributes: []Attribute{{"user.email", "ann@example.com"}, {"team", "payments, core"}, {"cost_center", "CC-7"}}, LimitUSD: 200, Period: PeriodMonth},
		{Attributes: []Attribute{{"team", "search"}}, LimitUSD: 99.5, Period: PeriodWeek},
	},
}

const twoUsersCSV = `user.email,team,cost_center,budget_usd,budget_period
ann@example.com,"payments, core",CC-7,200,
bob@example.com,search,,,
,search,,99.50,Week
`

const twoUsersYAML = `
users:
  ann@example.com: {team: "payments, core", cost_center: CC-7, budget_usd: 200}
  bob@example.com:
    team: search
    cost_center:
budgets:
  - match: {team: search}
    limit_usd: 99.5
    period: week
`

// Scenario: the same file as CSV and as YAML, with what editors and spreadsheets make of it: a byte order mark, CRLF,
// no newline at the end, empty rows, comments, spaces, other separators, other names of the key's column.
// Guarantee: all mean the same.
func TestFormats(t *testing.T) {
	for name, test := range map[string]struct{ path, content string }{
		"CSV":                    {"users.csv", twoUsersCSV},
		"CSV without extension":  {"users", twoUsersCSV},
		"byte order mark":        {"users.csv", "\xef\xbb\xbf" + twoUsersCSV},
		"CRLF":                   {"users.csv", strings.ReplaceAll(twoUsersCSV, "\n", "\r\n")},
		"no newline at the end":  {"users.csv", strings.TrimSpace(twoUsersCSV)},
		"empty rows":             {"users.csv", strings.ReplaceAll(twoUsersCSV, "\n", "\n\n,,,,\n")},
		"comments":               {"users.csv", "# from HR\n" + twoUsersCSV + "# end\n"},
		"semicolons":             {"users.csv", "email;team;cost_center;budget_usd;budget_period\nann@example.com;payments, core;CC-7;200;month\nbob@example.com;search;;;\n;search;;99.5;week"},
		"tabs":                   {"users.tsv", "User_Email\tteam\tcost_center\tBUDGET_USD\tbudget_period\nann@example.com\tpayments, core\tCC-7\t200.00\tmonth\nbob@example.com\tsearch\t\t\t\n\tsearch\t\t99.5\tweek"},
		"spaces":                 {"users.csv", strings.NewReplacer("bob@example.com", " bob@example.com\t", ",search", ", search ", "user.email", "  user.email").Replace(twoUsersCSV)},
		"other order of columns": {"users.csv", "team,cost_center,budget_usd,budget_period,email\n\"payments, core\",CC-7,200,,ann@example.com\nsearch,,,,bob@example.com\nsearch,,99.5,week,\n"},
		"YAML":                   {"users.yaml", twoUsersYAML},
		"YML":                    {"users.yml", twoUsersYAML},
		"YAML without extension": {"users", "# people\n" + twoUsersYAML},
		"JSON":                   {"users.json", `{"users": {"ann@example.com": {"team": "payments, core", "cost_center": "CC-7", "budget_usd": "200"}, "bob@example.com": {"team": "search"}}, "budgets": [{"match": {"team": "search"}, "limit_usd": 99.5, "period": "week"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parse(test.path, []byte(test.content), DefaultKey, nil)
			require.NoError(t, err)
			assert.Equal(t, twoUsers, meaning(f))
		})
	}
}

// Scenario: only some of the file's attributes are wanted.
// Guarantee: the others are nowhere, except in the budgets of groups, which name them themselves; an attribute that the
// file does not have is reported.
func TestSelectedAttributes(t *testing.T) {
	const content = "email,manager,team,cost_center,budget_usd\nann@example.com,secret boss,payments,CC-7,5\n,,,CC-7,100\n"
	f, err := parse("users.csv", []byte(content), DefaultKey, []string{"team"})
	require.NoError(t, err)
	assert.Equal(t, said{
		users: map[string]map[string]string{"ann@example.com": {"team": "payments"}},
		budgets: []Budget{
			{Attributes: []Attribute{{"user.email", "ann@example.com"}, {"team", "payments"}}, LimitUSD: 5, Period: PeriodMonth},
			{Attributes: []Attribute{{"cost_center", "CC-7"}}, LimitUSD: 100, Period: PeriodMonth},
		},
	}, meaning(f))

	f, err = parse("users.yaml", []byte(twoUsersYAML), DefaultKey, []string{"cost_center"})
	require.NoError(t, err)
	assert.Equal(t, []string{"cost_center"}, f.columns)

	_, err = parse("users.csv", []byte(content), DefaultKey, []string{"team", "taem"})
	require.EqualError(t, err, "it has no attribute \"taem\", which the setting `attributes` names; it has \"team\"")
}

// Scenario: the file is keyed by another attribute.
// Guarantee: its name, also with underscores, is the key's column; `email` is an attribute like others.
func TestOtherKeys(t *testing.T) {
	for _, header := range []string{"user.id", "user_id"} {
		f, err := parse("users.csv", []byte(header+",email\nA1,ann@example.com\n"), "user.id", nil)
		require.NoError(t, err)
		assert.Equal(t, map[string]map[string]string{"A1": {"email": "ann@example.com"}}, meaning(f).users)
	}
}

// Scenario: a file has a mistake.
// Guarantee: it is refused as a whole; the message has the line and what to do, and repeats nothing of people.
func TestMistakes(t *testing.T) {
	long := strings.Repeat("x", maxText+1)
	for name, test := range map[string]struct {
		path, content string
		parts         []string
	}{
		"empty":                     {"u.csv", "", []string{"no user and no budget"}},
		"empty YAML":                {"u.yaml", "# nothing\n", []string{"no user and no budget"}},
		"header only":               {"u.csv", "email,team\n", []string{"no user and no budget"}},
		"no users":                  {"u.yaml", "users:\nbudgets: []\n", []string{"no user and no budget"}},
		"UTF-16":                    {"u.csv", "\xff\xfee\x00m\x00", []string{"UTF-16", "save it as UTF-8"}},
		"UTF-16 without mark":       {"u.csv", "e\x00m\x00", []string{"line 1 has a zero byte", "UTF-8"}},
		"Latin-1":                   {"u.csv", "email,team\na@b,Z\xfcrich\n", []string{"line 2 is not UTF-8", "save the file as UTF-8"}},
		"no key":                    {"u.csv", "mail,team\na@b,x\n", []string{"line 1: no column is named user.email or user_email or email", `the columns are "mail", "team"`}},
		"two keys":                  {"u.csv", "email,user.email\na@b,a@b\n", []string{`columns "email" and "user.email" both are the key`}},
		"column twice":              {"u.csv", "email,team,team\na@b,x,y\n", []string{`line 1: the header has "team" twice`, "remove one"}},
		"column without name":       {"u.csv", "email,team,\na@b,x,\n", []string{"line 1: column 3 has no name"}},
		"too many columns":          {"u.csv", "email" + manyColumns(maxColumns+1) + "\n", []string{"it has 65 attributes: use at most 64"}},
		"too few fields":            {"u.csv", "email,team\na@b,x\nc@d\n", []string{"line 3: it has 1 fields, the header has 2"}},
		"too many fields":           {"u.csv", "email,team\na@b,x,y\n", []string{"line 2: it has 3 fields, the header has 2", "quotation marks"}},
		"lost quotation mark":       {"u.csv", "email,team\na@b,\"x\nc@d,y\n", []string{"line 2: a quotation mark is in the wrong place", "of line"}},
		"quotation mark inside":     {"u.csv", "email,team\na@b,x\"y\n", []string{"line 2: a quotation mark is in the wrong place"}},
		"quotation mark in header":  {"u.csv", "email,te\"am\n", []string{"line 1: a quotation mark"}},
		"user twice":                {"u.csv", "email,team\nann@example.com,x\nb@c,y\n ANN@Example.com,x\n", []string{"line 4: it has the same user.email as line 2"}},
		"pattern twice":             {"u.csv", "email,team\n*@Example.com,x\n*@example.com,y\n", []string{"line 3: it has the same user.email as line 2"}},
		"bad pattern":               {"u.csv", "email,team\nann@*.com,x\n*example.com,y\n", []string{"line 3: a pattern stands for", "*@example.com"}},
		"long text":                 {"u.csv", "email,team\na@b," + long + "\n", []string{"line 2: it has a text of 1025 bytes: use at most 1024"}},
		"negative budget":           {"u.csv", "email,budget_usd\na@b,-5\n", []string{`line 2: "-5" is negative`, "99.50"}},
		"not a number":              {"u.csv", "email,budget_usd\na@b,NaN\n", []string{`line 2: "NaN" is not an amount`}},
		"infinite budget":           {"u.csv", "email,budget_usd\na@b,Inf\n", []string{`line 2: "Inf" is not an amount`}},
		"exponent":                  {"u.csv", "email,budget_usd\na@b,1e3\n", []string{`"1e3" is not an amount`}},
		"currency":                  {"u.csv", "email,budget_usd\na@b,$5\n", []string{`"$5" is not an amount`}},
		"thousands":                 {"u.csv", "email,budget_usd\na@b,\"1,000\"\n", []string{`"1,000" is not an amount`}},
		"only a dot":                {"u.csv", "email,budget_usd\na@b,.\n", []string{`"." is not an amount`}},
		"two dots":                  {"u.csv", "email,budget_usd\na@b,1.2.3\n", []string{`"1.2.3" is not an amount`}},
		"huge budget":               {"u.csv", "email,budget_usd\na@b," + strings.Repeat("9", 400) + "\n", []string{"is more than 1000000000000", "…"}},
		"bad period":                {"u.csv", "email,budget_usd,budget_period\na@b,5,year\n", []string{`line 2: "year" is no period: write day, week or month`}},
		"period without budget":     {"u.csv", "email,budget_usd,budget_period\na@b,,day\n", []string{"line 2: budget_period is set without budget_usd"}},
		"budget of a pattern":       {"u.csv", "email,budget_usd\n*@b.example,5\n", []string{"line 2: a pattern cannot have a budget", "a team, and that a budget"}},
		"budget of nobody":          {"u.csv", "email,team,budget_usd\n,,5\n", []string{"line 2: it has a budget, but neither a user.email nor an attribute"}},
		"row without key or budget": {"u.csv", "email,team,budget_usd\n,x,\n", []string{"line 2: it has neither a user.email nor a budget_usd"}},
		"budget twice":              {"u.csv", "email,team,cc,budget_usd\n,x,1,5\n,x,2,5\n,x,1,7\n", []string{"line 4: it has a budget for the same as line 2"}},
		"not YAML":                  {"u.yaml", "users: [\n", []string{"it is not YAML: line", "quotation marks"}},
		"pattern without quotes":    {"u.yaml", "users:\n  *@example.com: {team: x}\n", []string{"it is not YAML", "begins with *, @ or # has to be in quotation marks"}},
		"two documents":             {"u.yaml", "users: {a@b: {team: x}}\n---\nusers: {}\n", []string{"more than one YAML document"}},
		"unknown section":           {"u.yaml", "user: {a@b: {team: x}}\n", []string{`line 1: "user" is unknown: use users and budgets`}},
		"list of users":             {"u.yaml", "users:\n  - a@b\n", []string{"line 2: users is not a map"}},
		"list as file":              {"u.yaml", "- a@b\n", []string{"line 1: the file is not a map"}},
		"user is a text":            {"u.yaml", "users:\n  a@b: payments\n", []string{"line 2: a user is not a map"}},
		"user without key":          {"u.yaml", "users:\n  '': {team: x}\n", []string{"line 2: a user has no key"}},
		"attribute without name":    {"u.yaml", "users:\n  a@b: {' ': x}\n", []string{"line 2: an attribute has no name"}},
		"attribute is the key":      {"u.yaml", "users:\n  a@b: {user.email: x}\n", []string{"line 2: user.email is the key of the file"}},
		"value is a list":           {"u.yaml", "users:\n  a@b:\n    team: [x, y]\n", []string{"line 3: a value is a list or a map"}},
		"same user in YAML":         {"u.yaml", "users:\n  a@b: {team: x}\n  A@b: {team: y}\n", []string{"line 3: it has the same user.email as line 2"}},
		"same name in YAML":         {"u.yaml", "users:\n  a@b: {team: x}\n  a@b: {team: y}\n", []string{"line 3: it has the same name as line 2"}},
		"attribute twice in YAML":   {"u.yaml", "users:\n  a@b:\n    team: x\n    team: y\n", []string{"line 4: it has the same name as line 3"}},
		"anchors":                   {"u.yaml", "users:\n  a@b: &x {team: x}\n  c@d: *x\n", []string{"line 3: anchors and references", "write the values out"}},
		"merge":                     {"u.yaml", "users:\n  a@b: &x {team: x}\n  c@d:\n    <<: *x\n", []string{"line 4: anchors and references"}},
		"complex name":              {"u.yaml", "users:\n  ? [a, b]\n  : {team: x}\n", []string{"line 2: a name is not a plain text"}},
		"many attributes in YAML":   {"u.yaml", "users:\n  a@b: {" + strings.ReplaceAll(strings.TrimPrefix(manyColumns(maxColumns+1), ","), ",", ": x, ") + ": x}\n", []string{"more than 64 attributes"}},
		"budgets as map":            {"u.yaml", "budgets: {team: 5}\n", []string{"line 1: budgets is not a list"}},
		"budget matches nothing":    {"u.yaml", "budgets:\n  - limit_usd: 5\n", []string{"line 2: a budget matches nothing"}},
		"budget without limit":      {"u.yaml", "budgets:\n  - match: {team: x}\n", []string{"line 2: a budget has no limit_usd"}},
		"unknown part of budget":    {"u.yaml", "budgets:\n  - match: {team: x}\n    limit: 5\n", []string{`line 3: "limit" is unknown in a budget`}},
		"empty match":               {"u.yaml", "budgets:\n  - match: {team: }\n    limit_usd: 5\n", []string{"line 2: match has an attribute without a name or a value"}},
		"group with a key":          {"u.yaml", "budgets:\n  - match: {user.email: a@b}\n    limit_usd: 5\n", []string{"line 2: a budget of a group cannot name a user.email: write budget_usd at that user"}},
		"negative limit":            {"u.yaml", "budgets:\n  - match: {team: x}\n    limit_usd: -5\n", []string{`line 2: "-5" is negative`}},
		"limit NaN":                 {"u.yaml", "budgets:\n  - match: {team: x}\n    limit_usd: .nan\n", []string{`line 2: ".nan" is not an amount`}},
		"same budget in YAML":       {"u.yaml", "budgets:\n  - {match: {a: x, b: y}, limit_usd: 5}\n  - {match: {b: y, a: x}, limit_usd: 6}\n", []string{"line 3: it has a budget for the same as line 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parse(test.path, []byte(test.content), DefaultKey, nil)
			require.Error(t, err)
			assert.Nil(t, f)
			for _, part := range test.parts {
				assert.ErrorContains(t, err, part)
			}
			assert.NotContains(t, strings.ToLower(err.Error()), "ann@example.com")
			assert.NotContains(t, err.Error(), "\n", "one line in the log")
		})
	}
}

func manyColumns(count int) string {
	var out strings.Builder
	for i := range count {
		out.WriteString(",c")
		out.WriteString(strings.Repeat("i", i+1))
	}
	return out.String()
}

// Scenario: many lines are wrong.
// Guarantee: the first ten are named with their lines, the others counted.
func TestManyMistakes(t *testing.T) {
	_, err := parse("u.csv", []byte("email,team\n"+strings.Repeat("a@b\n", 25)), DefaultKey, nil)
	require.ErrorContains(t, err, "line 2: ")
	require.ErrorContains(t, err, "line 11: ")
	require.ErrorContains(t, err, "and 15 more")
	assert.NotContains(t, err.Error(), "line 12: ")
}

// Scenario: any bytes are read as CSV and as YAML.
// Guarantee: never a panic, never more than the named bounds; what is accepted can be asked.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		twoUsersCSV, twoUsersYAML, "", "\xef\xbb\xbf", "email\n", "email,team\n\"", "users: {a: {b: c}}", "users:\n  a: &x {b: c}\n  d: *x\n",
		"email;team\na@b;\"x\ny\"\n", "budgets:\n- {match: {a: b}, limit_usd: 0, period: DAY}", "email,team\n*@b.c,x\n*.c,y\n", "a: !!binary aa\n", "? \n: \n",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, content []byte, isCSV bool) {
		name := "users.yaml"
		if isCSV {
			name = "users.csv"
		}
		parsed, err := parse(name, content, DefaultKey, nil)
		if err != nil {
			return
		}
		a := New(Settings{Key: DefaultKey, Unmatched: "unattributed"})
		require.NoError(t, a.Load(name, content))
		require.NoError(t, a.Load(name, content), "again, with what it said before")
		require.LessOrEqual(t, len(parsed.columns), maxColumns)
		require.Len(t, parsed.users, a.Users())
		for _, user := range parsed.users {
			if !isPattern(user.key) {
				require.True(t, a.current.Load().table.find(user.key).listed)
			}
		}
		for _, budget := range parsed.budgets {
			require.GreaterOrEqual(t, budget.LimitUSD, 0.0)
			require.Contains(t, periods, budget.Period)
			require.NotEmpty(t, budget.Attributes)
		}
	})
}
