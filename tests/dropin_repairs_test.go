package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/tests/harness"
)

// repairCase is what this test needs of a case in go-shim/dropin/testdata, see the README there.
type repairCase struct {
	Name        string            `yaml:"name"`
	Environment map[string]string `yaml:"environment"`
	Image       *bool             `yaml:"image"`
	Input       string            `yaml:"input"`
	Output      string            `yaml:"output"`
	Entries     []string          `yaml:"entries"`
	Refused     string            `yaml:"refused"`
}

// TestRepairsMakeValidConfigurations puts each case of the converter's repairs and warnings through `validate` of the
// built collector. It guarantees that what is repaired is accepted by the parts it is for, that what cannot be repaired
// is refused, that both say on standard error what was done and where, and that one repaired file is valid as it stands.
func TestRepairsMakeValidConfigurations(t *testing.T) {
	t.Parallel()
	testdata := filepath.Join(harness.MustRoot(t), "go-shim", "dropin", "testdata")
	base := filepath.Join(testdata, "base.yaml")
	var files []string
	for _, folder := range []string{"repairs", "warnings"} {
		found, err := filepath.Glob(filepath.Join(testdata, folder, "*.yaml"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var cases []repairCase
		require.NoError(t, yaml.Unmarshal(content, &cases), file)
		for _, c := range cases {
			if c.Image != nil && !*c.Image {
				continue // about another distribution
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+c.Name, func(t *testing.T) {
				output, err := validate(t, base, c.Input, c.Environment)
				if c.Refused == "" {
					assert.NoError(t, err, output)
				} else {
					assert.Error(t, err)
					assert.Contains(t, output, c.Refused)
				}
				for _, entry := range c.Entries {
					rule, place, _ := strings.Cut(entry, " ")
					assert.Contains(t, output, rule+": "+place+": ")
				}
				if c.Output != "" {
					output, err := validate(t, base, c.Output, c.Environment)
					assert.NoError(t, err, output)
				}
			})
		}
	}
}

// validate runs the sub-command over a configuration that is merged over another, and returns all it wrote.
func validate(t *testing.T, base, configuration string, environment map[string]string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(configuration), 0o600))
	cmd := exec.Command(harness.CollectorBinary(harness.MustRoot(t)), "validate", "--config", base, "--config", file)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	output, err := cmd.CombinedOutput()
	return string(output), err
}
