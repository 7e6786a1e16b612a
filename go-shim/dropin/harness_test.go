// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.yaml.in/yaml/v3"
)

// ruleCase is one entry of a file in testdata/repairs or testdata/warnings, which is named after a rule.
type ruleCase struct {
	Name        string            `yaml:"name"`
	Environment map[string]string `yaml:"environment"`
	Image       bool              `yaml:"image"`   // whether the converter runs in the distribution
	Input       string            `yaml:"input"`   // merged over base.yaml
	Output      string            `yaml:"output"`  // merged over base.yaml; nothing: the input stays as it is
	Entries     []string          `yaml:"entries"` // "rule place" of all that is reported, in order
	Refused     string            `yaml:"refused"` // part of the collector's error, if it refuses the result
}

// ruleCases reads all cases of a directory of testdata by rule.
func ruleCases(tb testing.TB, directory string) map[string][]ruleCase {
	tb.Helper()
	files, err := filepath.Glob("testdata/" + directory + "/*.yaml")
	require.NoError(tb, err)
	cases := map[string][]ruleCase{}
	for _, file := range files {
		rule := strings.TrimSuffix(filepath.Base(file), ".yaml")
		content, err := os.ReadFile(file)
		require.NoError(tb, err)
		var list []ruleCase
		require.NoError(tb, yaml.Unmarshal(content, &list), file)
		cases[rule] = list
	}
	require.NotEmpty(tb, cases)
	return cases
}

func baseConfiguration(tb testing.TB) string {
	tb.Helper()
	content, err := os.ReadFile("testdata/base.yaml")
	require.NoError(tb, err)
	return string(content)
}

// resolve makes a configuration as the collector does: documents merged in order, variables resolved.
func resolve(tb testing.TB, documents ...string) *confmap.Conf {
	tb.Helper()
	conf, err := resolveOrFail(documents...)
	require.NoError(tb, err)
	return conf
}

func resolveOrFail(documents ...string) (*confmap.Conf, error) {
	uris := make([]string, len(documents))
	for i, document := range documents {
		uris[i] = "yaml:" + document
	}
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              uris,
		ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory(), envprovider.NewFactory()},
		DefaultScheme:     "env",
	})
	if err != nil {
		return nil, err
	}
	conf, err := resolver.Resolve(context.Background())
	return conf, errors.Join(err, resolver.Shutdown(context.Background()))
}

// fixedEnvironment is the process as a test wants it.
func fixedEnvironment(variables map[string]string) environment {
	return environment{
		lookup:   func(name string) (string, bool) { value, set := variables[name]; return value, set },
		writable: func(string) error { return nil },
		stderr:   io.Discard,
	}
}

// passThrough passes a configuration through steps and returns what they reported as "rule place".
func passThrough(tb testing.TB, conf *confmap.Conf, variables map[string]string, steps ...step) []string {
	tb.Helper()
	var entries []string
	for _, entry := range runReport(tb, conf, variables, steps...).entries {
		require.NotEmpty(tb, entry.text)
		entries = append(entries, entry.rule+" "+entry.place())
	}
	return entries
}

func runReport(tb testing.TB, conf *confmap.Conf, variables map[string]string, steps ...step) *report {
	tb.Helper()
	document, report := &document{conf: conf}, &report{}
	for _, step := range steps {
		require.NoError(tb, step(document, fixedEnvironment(variables), report))
	}
	return report
}

// asImage makes the converter believe that it runs in the distribution, or that it does not.
func asImage(tb testing.TB, image bool) {
	tb.Helper()
	before := inImage
	inImage = func() bool { return image }
	tb.Cleanup(func() { inImage = before })
}
