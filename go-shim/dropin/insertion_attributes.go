// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"regexp"
	"slices"
	"strings"
)

// Which processors remove or merge what tells clients apart (S4, D3b).
//
//	A1  A point that equals an earlier one in attributes, start, time and value is that point sent again, unless something
//	    removed the attribute in which they differed: then it may be another client's, and has to count. With
//	    `retransmissions: add` it does, and only a request whose own delivery failed is recognised when it comes again.
//	A2  Whatever removes an attribute counts, whichever it is: session.id is off in many places, and then any other attribute
//	    may be the one that is left.
//	A3  Overwriting counts for the attributes that tell clients apart (identifying), and for no others: setting a new one takes
//	    nothing away. `service.name` is none: agents of one machine set the same.
//	A4  Hashes, renamed or moved attributes (groupbyattrs) tell clients apart as well as before, and so does one that is copied
//	    between resource and points under its name.

// merges names the first processor of a list that removes or merges what tells clients apart; "" if there is none.
func (g *graph) merges(processors []string) string {
	for _, id := range processors {
		if g.mergesOne(id) {
			return id
		}
	}
	return ""
}

func (g *graph) mergesOne(id string) bool {
	key := g.declared("processors", id)
	switch componentType(id) {
	case "attributes":
		return slices.ContainsFunc(entries(g.document.get("processors", key, "actions")), removes)
	case "resource":
		return slices.ContainsFunc(entries(g.document.get("processors", key, "attributes")), removes)
	case "transform":
		text := g.statements(key)
		return removing.MatchString(text) || overwrites(text)
	case "metricstransform", "metrics_transform":
		text := g.text("processors", id)
		return strings.Contains(text, "aggregate_label") || strings.Contains(text, "action:combine")
	case "redaction":
		return true
	}
	return false
}

// removes tells whether an action of `attributes` or `resource` removes an attribute, or overwrites one that clients are
// known by.
func removes(action map[string]any) bool {
	key, _ := action["key"].(string)
	verb, _ := action["action"].(string)
	switch strings.ToLower(strings.TrimSpace(verb)) {
	case "delete":
		return true
	case "update", "upsert":
		return identifying.MatchString(key)
	}
	return false
}

// identifying are attributes that clients, devices and people are known by, as the agents send them.
var identifying = regexp.MustCompile(`^(session\.id|ccr\.session\.id|conversation\.id|user\.id|user\.email|user\.account_uuid|user\.account_id|enduser\.id|enduser\.sub|` +
	`organization\.id|installation\.id|service\.instance\.id|host\.name|host\.id|terminal\.type|process\.pid|app\.entrypoint)$`)

// removing finds what removes attributes in statements of `transform`, or overwrites all of them.
var removing = regexp.MustCompile(`\b(delete_key|delete_keys|delete_matching_keys|keep_keys|keep_matching_keys|limit|truncate_all|aggregate_on_attributes|aggregate_on_attribute_value)\s*\(` +
	`|\bset\s*\(\s*([a-z_]+\.)*attributes\s*,` +
	`|\breplace_(all_patterns|all_matches)\s*\(`)

// setting finds the attribute that a statement of `transform` sets and, if it is a plain copy of one, which.
var setting = regexp.MustCompile(`\bset\s*\(\s*(?:[a-z_]+\.)*attributes\[\s*"([^"]*)"\s*\]\s*,\s*(?:(?:[a-z_]+\.)*attributes\[\s*"([^"]*)"\s*\]\s*\))?`)

// overwrites tells whether statements set an attribute that clients are known by to something else than itself.
func overwrites(text string) bool {
	return slices.ContainsFunc(setting.FindAllStringSubmatch(text, -1), func(match []string) bool {
		return identifying.MatchString(match[1]) && match[1] != match[2]
	})
}

// statements returns the metric statements of a `transform` processor as one text.
func (g *graph) statements(key string) string {
	var text strings.Builder
	collect(g.document.get("processors", key, "metric_statements"), &text)
	return text.String()
}

func collect(value any, text *strings.Builder) {
	switch value := value.(type) {
	case string:
		text.WriteString(value)
		text.WriteString("\n")
	case []any:
		for _, entry := range value {
			collect(entry, text)
		}
	case map[string]any:
		for _, entry := range value {
			collect(entry, text)
		}
	}
}

// entries reads a list of maps; what is none is left out.
func entries(value any) []map[string]any {
	list, _ := value.([]any)
	var found []map[string]any
	for _, entry := range list {
		if entry, ok := entry.(map[string]any); ok {
			found = append(found, entry)
		}
	}
	return found
}
