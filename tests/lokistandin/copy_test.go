package lokistandin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestIsTheCopyOfTheExportersTests compares the files of this package with those that the exporter's own tests use. It
// guarantees that both read requests with the same strictness; only the name of the package differs.
func TestIsTheCopyOfTheExportersTests(t *testing.T) {
	t.Parallel()
	original := filepath.Join("..", "..", "go-shim", "lokiexporter", "internal", "pushtest")
	assert.Equal(t, sources(t, original, "pushtest"), sources(t, ".", "lokistandin"))
}

// sources are the files of a package that are no tests, by name, without what names the package.
func sources(t *testing.T, directory, name string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*.go"))
	require.NoError(t, err)
	out := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		out[filepath.Base(file)] = strings.NewReplacer("\npackage "+name+"\n", "\n", "// Package "+name+" ", "").Replace(string(text))
	}
	require.NotEmpty(t, out)
	return out
}
