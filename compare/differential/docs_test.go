package differential

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Scenario: docs/differences.md. Guarantee: its table has exactly the classes of the code, in their order, and shows
// what TestExamples sees both processors send.
func TestDocumentedClasses(t *testing.T) {
	text, err := os.ReadFile("../../docs/differences.md")
	require.NoError(t, err)
	var documented []string
	shownByClass := map[string][2]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 || !strings.HasPrefix(cells[0], " `") {
			continue
		}
		name := unquoted(cells[0])
		documented = append(documented, name)
		shownByClass[name] = [2]string{unquoted(cells[2]), unquoted(cells[3])}
		assert.NotEmpty(t, strings.TrimSpace(cells[4]), "%s: the reason", name)
		assert.NotEmpty(t, strings.TrimSpace(cells[5]), "%s: the rule", name)
	}
	var known []string
	for _, class := range Classes {
		known = append(known, class.Name)
	}
	assert.Equal(t, known, documented)
	for i := range examples {
		e := &examples[i]
		assert.Equal(t, [2]string{e.contrib, e.ours}, shownByClass[e.class], e.class)
	}
	assert.Len(t, examples, len(Classes), "one example for each class")
}

func unquoted(cell string) string { return strings.Trim(strings.TrimSpace(cell), "`") }
