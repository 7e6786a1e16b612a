// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads `users`, a map of keys to attributes, and `budgets`, a list of what they match and their limit.
func readYAML(content []byte, r *reader) {
	documents := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	if err := documents.Decode(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			r.problem(0, "it is not YAML: %s (what begins with *, @ or # has to be in quotation marks)", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return // an empty file is reported by parse
	}
	if err := documents.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.problem(0, "it has more than one YAML document: remove what follows the line ---")
		return
	}
	for name, value := range r.entries(document.Content[0], "the file") {
		switch name.Value {
		case "users":
			for key, attributes := range r.entries(value, "users") {
				r.yamlUser(key, attributes)
			}
		case "budgets":
			r.yamlBudgets(value)
		default:
			r.problem(name.Line, "%q is unknown: use users and budgets", clip(name.Value))
		}
	}
}

// yamlUser takes the attributes of one key.
func (r *reader) yamlUser(name, attributes *yaml.Node) {
	key := r.text(name.Line, name.Value)
	if key == "" {
		r.problem(name.Line, "a user has no key: write a %s, or a budget under budgets", r.key)
		return
	}
	var limit, period string
	values := make([]string, len(r.file.columns))
	for name, value := range r.entries(attributes, "a user") {
		attribute, text := r.text(name.Line, name.Value), r.scalar(value)
		switch {
		case attribute == "":
			r.problem(name.Line, "an attribute has no name: name it or remove it")
		case attribute == budgetLimit:
			limit = text
		case attribute == budgetPeriod:
			period = text
		case attribute == r.key:
			r.problem(name.Line, "%s is the key of the file, it cannot be an attribute of a user: remove it", r.key)
		case r.isSelected(attribute):
			place := r.column(r.share(attribute))
			for len(values) <= place {
				values = append(values, "")
			}
			values[place] = text
			if place == maxColumns {
				r.problem(name.Line, "it has more than %d attributes: use fewer, or choose some with the setting `attributes`", maxColumns)
			}
		}
	}
	values = r.row(values)
	r.user(name.Line, key, values)
	r.userBudget(name.Line, key, values, limit, period)
}

// yamlBudgets takes the list of budgets.
func (r *reader) yamlBudgets(list *yaml.Node) {
	if isNull(list) {
		return
	}
	if list.Kind != yaml.SequenceNode {
		r.problem(list.Line, "budgets is not a list: write - match: {team: payments} below it, and a limit_usd")
		return
	}
	for _, item := range list.Content {
		r.yamlBudget(item)
	}
}

func (r *reader) yamlBudget(item *yaml.Node) {
	var whose []Attribute
	var limit, period string
	for name, value := range r.entries(item, "a budget") {
		switch name.Value {
		case "match":
			for name, value := range r.entries(value, "match") {
				attribute, text := r.text(name.Line, name.Value), r.scalar(value)
				if attribute == "" || text == "" {
					r.problem(name.Line, "match has an attribute without a name or a value: write both, such as team: payments")
					continue
				}
				whose = append(whose, Attribute{r.share(attribute), r.share(text)})
			}
		case "limit_usd", budgetLimit:
			limit = r.scalar(value)
		case "period", budgetPeriod:
			period = r.scalar(value)
		default:
			r.problem(name.Line, "%q is unknown in a budget: use match, limit_usd and period", clip(name.Value))
		}
	}
	switch {
	case len(whose) == 0:
		r.problem(item.Line, "a budget matches nothing: add match: {team: payments}")
	case limit == "":
		r.problem(item.Line, "a budget has no limit_usd: add it")
	default:
		r.groupBudget(item.Line, whose, limit, period)
	}
}

// entries are the keys of a map with their values; none if it is empty. Keys that are there twice are reported with both
// lines.
func (r *reader) entries(node *yaml.Node, what string) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if isNull(node) {
			return
		}
		if node.Kind != yaml.MappingNode {
			r.unexpected(node, what+" is not a map: write name: value below it")
			return
		}
		seen := make(map[string]int, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				r.unexpected(key, "a name is not a plain text: write name: value")
				continue
			}
			if first, ok := seen[key.Value]; ok {
				r.problem(key.Line, "it has the same name as line %d: remove one of the two", first)
				continue
			}
			seen[key.Value] = key.Line
			if !yield(key, value) {
				return
			}
		}
	}
}

// scalar is a single value as text; empty for null.
func (r *reader) scalar(node *yaml.Node) string {
	if isNull(node) {
		return ""
	}
	if node.Kind != yaml.ScalarNode {
		r.unexpected(node, "a value is a list or a map: write a single value")
		return ""
	}
	return r.text(node.Line, node.Value)
}

// unexpected reports a node that is not what is needed. References are refused: a few lines of them can stand for
// millions of values.
func (r *reader) unexpected(node *yaml.Node, remedy string) {
	if node.Kind == yaml.AliasNode || node.Tag == "!!merge" {
		remedy = "anchors and references (&, *, <<) are not supported: write the values out; a pattern such as *@example.com has to be in quotation marks"
	}
	r.problem(node.Line, "%s", remedy)
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }
