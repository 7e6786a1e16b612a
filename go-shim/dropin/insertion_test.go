// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

// fixture is one file of testdata/insertion: what goes in, what comes out, and what is said.
type fixture struct {
	Environment map[string]string `yaml:"environment"`
	// Unwritable names directories that cannot be written.
	Unwritable []string       `yaml:"unwritable"`
	Input      map[string]any `yaml:"input"`
	// Output replaces the sections that it names; what it leaves out is as in the input. Absent: nothing changes.
	Output  map[string]any `yaml:"output"`
	Reports []string       `yaml:"reports"` // rule and a part of the text, in order
	Error   string         `yaml:"error"`
}

func loadFixture(t *testing.T, file string) fixture {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var f fixture
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&f))
	return f
}

// surroundingsOf makes the environment that a fixture names.
func surroundingsOf(f fixture) environment {
	return environment{
		lookup: func(name string) (string, bool) { value, set := f.Environment[name]; return value, set },
		writable: func(directory string) error {
			for _, name := range f.Unwritable {
				if name == directory {
					return errors.New("permission denied")
				}
			}
			return nil
		},
	}
}

// runSteps runs insertion and labels over a configuration, and returns what became of it.
func runSteps(t *testing.T, input map[string]any, environment environment, steps ...step) (map[string]any, *report, error) {
	t.Helper()
	document, report := &document{conf: confmap.NewFromStringMap(copied(t, input))}, &report{}
	require.NoError(t, document.open())
	for _, step := range steps {
		if err := step(document, environment, report); err != nil {
			return nil, nil, err
		}
	}
	return document.conf.ToStringMap(), report, nil
}

func copied(t *testing.T, value map[string]any) map[string]any {
	t.Helper()
	content, err := yaml.Marshal(value)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, yaml.Unmarshal(content, &out))
	return out
}

// Scenario: the configurations of testdata/insertion.
// Guarantee: each becomes exactly what its file says, each change is reported in the order given, and a second run over the
// result changes nothing.
func TestInsertion(t *testing.T) {
	eachFixture(t, filepath.Join("testdata", "insertion", "*.yaml"), insert)
}

// writeFixtures makes the tests write what comes out into their files, to be read before it is committed:
// go test ./dropin -run 'TestInsertion|TestLabels' -args -write-fixtures
var writeFixtures = flag.Bool("write-fixtures", false, "write the outputs and reports of testdata/insertion anew")

// rewrite keeps a fixture's head and input, and writes the sections that changed.
func rewrite(t *testing.T, file string, f fixture, output map[string]any, report *report) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	head, _, found := strings.Cut(string(content), "\noutput:")
	require.True(t, found, file)
	changed := map[string]any{}
	for section, value := range output {
		if asYAML(t, value) != asYAML(t, f.Input[section]) {
			changed[section] = value
		}
	}
	tail := asYAML(t, map[string]any{"output": changed, "reports": saidBy(report)})
	require.NoError(t, os.WriteFile(file, []byte(head+"\n"+tail), 0o600))
}

// eachFixture runs steps over all files of a pattern.
func eachFixture(t *testing.T, pattern string, steps ...step) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			f := loadFixture(t, file)
			output, report, err := runSteps(t, f.Input, surroundingsOf(f), steps...)
			if f.Error != "" {
				require.ErrorContains(t, err, f.Error)
				return
			}
			require.NoError(t, err)
			if *writeFixtures {
				rewrite(t, file, f, output, report)
				return
			}
			expected := copied(t, f.Input)
			maps.Copy(expected, f.Output)
			assert.Equal(t, asYAML(t, expected), asYAML(t, output))
			assertReports(t, f.Reports, report)

			again, _, err := runSteps(t, output, surroundingsOf(f), steps...)
			require.NoError(t, err)
			assert.Equal(t, asYAML(t, output), asYAML(t, again), "the second run changes something")
		})
	}
}

func saidBy(report *report) []string {
	var said []string
	for _, entry := range report.entries {
		mark := "inform "
		if entry.warning {
			mark = "WARN "
		}
		said = append(said, mark+entry.rule+" "+strings.Join(entry.path, "::")+" "+entry.text)
	}
	return said
}

func assertReports(t *testing.T, expected []string, report *report) {
	t.Helper()
	said := saidBy(report)
	if !assert.Len(t, said, len(expected), "said:\n%s", strings.Join(said, "\n")) {
		return
	}
	for i, parts := range expected {
		for part := range strings.SplitSeq(parts, " ... ") {
			assert.Contains(t, said[i], part)
		}
	}
}

func asYAML(t *testing.T, value any) string {
	t.Helper()
	content, err := yaml.Marshal(value)
	require.NoError(t, err)
	return string(content)
}
