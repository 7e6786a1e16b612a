// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	labelExporter = "exporter"
	labelJob      = "job"
	labelInstance = "instance"
	labelLevel    = "level"
	exporterName  = "OTLP"

	attributeNamespace = "service.namespace"
	attributeService   = "service.name"
	attributeInstance  = "service.instance.id"
)

// origin is where a label's value was found.
type origin int

const (
	// derived values are still to be found in the line: made of several attributes, nested in one, or of no attribute.
	derived origin = iota
	ofResource
	ofRecord
)

// label is one label of a stream, and the attribute that it stands for.
type label struct {
	name, value string
	origin      origin
	attribute   string
}

// labelSet are the labels of a record, each name once, by name.
type labelSet struct {
	labels []label
	// fallback is set where no label was asked for or nothing had a value: then the set holds exporter="OTLP" alone.
	fallback bool
}

// labelsOf collects the labels of a record: defaults, then what hints ask for (resource's attributes named by the
// resource, then by the record, then the record's own), then the level. The later one wins.
func labelsOf(defaults DefaultLabelsConfig, resource pcommon.Map, record plog.LogRecord) labelSet {
	var s labelSet
	if defaults.Exporter {
		s.set(label{name: labelExporter, value: exporterName})
	}
	if defaults.Job {
		s.set(label{name: labelJob, value: jobOf(resource)})
	}
	if defaults.Instance {
		if instance, ok := resource.Get(attributeInstance); ok {
			s.set(label{name: labelInstance, value: text(instance)})
		}
	}
	attributes := record.Attributes()
	s.promote(resource, hintResourceLabels, resource, ofResource)
	s.promote(attributes, hintResourceLabels, resource, ofResource)
	s.promote(attributes, hintAttributeLabels, attributes, ofRecord)
	if defaults.Level && record.SeverityNumber() != plog.SeverityNumberUnspecified {
		s.setLevel(record)
	}
	if len(s.labels) == 0 {
		s.set(label{name: labelExporter, value: exporterName})
		s.fallback = true
	}
	slices.SortFunc(s.labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return s
}

// jobOf is service.namespace/service.name, service.name alone, or nothing: a namespace alone is no job.
func jobOf(resource pcommon.Map) string {
	service, ok := resource.Get(attributeService)
	if !ok {
		return ""
	}
	if namespace, ok := resource.Get(attributeNamespace); ok {
		return text(namespace) + "/" + text(service)
	}
	return text(service)
}

// setLevel takes the attribute level, else the severity's name: INFO, WARN2, ...
func (s *labelSet) setLevel(record plog.LogRecord) {
	if level, ok := record.Attributes().Get(labelLevel); ok {
		s.set(label{name: labelLevel, value: text(level), origin: ofRecord, attribute: labelLevel})
		return
	}
	s.set(label{name: labelLevel, value: strings.ToUpper(record.SeverityNumber().String())})
}

// promote makes labels of the attributes that a hint names.
func (s *labelSet) promote(hints pcommon.Map, hint string, attributes pcommon.Map, from origin) {
	names, ok := hints.Get(hint)
	if !ok {
		return
	}
	for _, name := range namesIn(names) {
		if value, ok := attributes.Get(name); ok {
			s.set(label{name: name, value: text(value), origin: from, attribute: name})
		} else if value, ok := nested(attributes, name, 0); ok {
			s.set(label{name: name, value: text(value)})
		}
	}
}

// namesIn reads a hint: names with commas between them, or a list of names.
func namesIn(hint pcommon.Value) []string {
	var names []string
	if hint.Type() == pcommon.ValueTypeSlice {
		for _, name := range hint.Slice().All() {
			names = append(names, text(name))
		}
	} else {
		names = strings.Split(text(hint), ",")
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

// nested finds a.b.c inside an attribute a.b or a that is a map; the longer name goes first.
func nested(attributes pcommon.Map, name string, depth int) (pcommon.Value, bool) {
	for end := strings.LastIndexByte(name, '.'); end > 0 && depth < maxDepth; end = strings.LastIndexByte(name[:end], '.') {
		outer, ok := attributes.Get(name[:end])
		if !ok || outer.Type() != pcommon.ValueTypeMap {
			continue
		}
		if inner, ok := outer.Map().Get(name[end+1:]); ok {
			return inner, true
		}
		if inner, ok := nested(outer.Map(), name[end+1:], depth+1); ok {
			return inner, true
		}
	}
	return pcommon.Value{}, false
}

// set adds a label or replaces the one of that name. Loki knows no difference between an empty label and none.
func (s *labelSet) set(l label) {
	l.name = labelName(l.name)
	l.value = strings.ToValidUTF8(l.value, "\uFFFD")
	if l.name == "" || l.value == "" {
		return
	}
	for i := range s.labels {
		if s.labels[i].name == l.name {
			s.labels[i] = l
			return
		}
	}
	s.labels = append(s.labels, l)
}

// hides tells whether an attribute stays out of the line: hints, and what the labels say already.
func (s *labelSet) hides(from origin, attribute string) bool {
	if isHint(attribute) {
		return true
	}
	for i := range s.labels {
		if s.labels[i].origin == from && s.labels[i].attribute == attribute {
			return true
		}
	}
	return false
}

// String writes the set as Loki reads it: {exporter="OTLP", job="claude-code"}.
func (s *labelSet) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, l := range s.labels {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.name)
		b.WriteByte('=')
		b.WriteString(quoted(l.value))
	}
	b.WriteByte('}')
	return b.String()
}

// quoted is a value as the parser of labels reads it, which is Prometheus's: that one takes U+FFFD, which stands for bytes
// that were no UTF-8, for such bytes itself, unless it is an escape.
func quoted(value string) string {
	return strings.ReplaceAll(strconv.Quote(value), "\uFFFD", `\ufffd`)
}

// labelName makes a name that Loki takes ([a-zA-Z_][a-zA-Z0-9_]*) as the removed exporter did: _ for any other
// character, key_ before a digit, key before a single _. It let letters of other alphabets through, for which Loki
// refuses the stream.
func labelName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	switch {
	case name == "":
		return ""
	case name[0] >= '0' && name[0] <= '9':
		return "key_" + name
	case name[0] == '_' && !strings.HasPrefix(name, "__"):
		return "key" + name
	default:
		return name
	}
}
