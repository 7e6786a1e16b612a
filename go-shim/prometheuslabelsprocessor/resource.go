// SPDX-License-Identifier: Apache-2.0

package prometheuslabelsprocessor // import "github.com/tokenledger/tokenledger/go-shim/prometheuslabelsprocessor"

import "go.opentelemetry.io/collector/pdata/pcommon"

// Attributes of which the exporter makes `job` and `instance` (its utils.go), and the names of these labels.
const (
	serviceName       = "service.name"
	serviceNamespace  = "service.namespace"
	serviceInstanceID = "service.instance.id"
	jobLabel          = "job"
	instanceLabel     = "instance"
)

// exporterLabel is a label that the exporter writes itself.
type exporterLabel struct {
	text    string
	written bool
}

// settleResource decides on `job` and `instance`, prepares what the points get of the resource, and returns what
// collided in it.
//
// With `resource_attributes`, an attribute `job` or `instance` of the resource becomes a label of its points, and the
// exporter's own label of that name would cost all of them. Somebody has set it on purpose, so it wins: the attributes
// that the exporter reads are changed, which keeps `target_info` in step with the points. What these attributes were
// stays visible on the points (`service_name` …), so that resources which differ in them stay different series.
func (w *worker) settleResource(attributes pcommon.Map) kinds {
	var found kinds
	w.scopes++ // nobody owns a label yet
	if w.unfit(attributes) {
		found = w.settle(attributes, place{})
	}
	w.hidden = w.hidden[:0]
	w.job, w.instance = exporterJob(attributes), exporterInstance(attributes)
	if !w.cfg.ResourceAttributes {
		return found
	}
	attributes.CopyTo(w.promoted)
	if w.wanted(jobLabel, &w.job, &found, kindJob) {
		attributes.PutStr(serviceName, w.job.text)
		removeAll(attributes, serviceNamespace)
	} else if w.cfg.ExcludeServiceAttributes {
		removeAll(w.promoted, serviceName)
		removeAll(w.promoted, serviceNamespace)
	}
	if w.wanted(instanceLabel, &w.instance, &found, kindInstance) {
		attributes.PutStr(serviceInstanceID, w.instance.text)
	} else if w.cfg.ExcludeServiceAttributes {
		removeAll(w.promoted, serviceInstanceID)
	}
	return found
}

// wanted takes an attribute that has the name of a label of the exporter out of the promoted ones. It reports whether
// the label has to become another one, which it then is. What a point has under that name is hidden: the resource's
// attribute would have been written over it.
func (w *worker) wanted(name string, own *exporterLabel, found *kinds, kind kind) bool {
	wish, ok := w.promoted.Get(name)
	if !ok || !own.written {
		return false
	}
	text := wish.AsString()
	removeAll(w.promoted, name)
	w.hidden = append(w.hidden, name)
	found[kind] = true
	if text == "" || text == own.text {
		return false
	}
	own.text = text
	return true
}

// exporterJob is the label `job` that the exporter makes of a resource.
func exporterJob(attributes pcommon.Map) exporterLabel {
	name, ok := attributes.Get(serviceName)
	if !ok {
		return exporterLabel{}
	}
	if namespace, ok := attributes.Get(serviceNamespace); ok {
		return exporterLabel{text: namespace.AsString() + "/" + name.AsString(), written: true}
	}
	return exporterLabel{text: name.AsString(), written: true}
}

// exporterInstance is the label `instance` that the exporter makes of a resource.
func exporterInstance(attributes pcommon.Map) exporterLabel {
	id, ok := attributes.Get(serviceInstanceID)
	if !ok {
		return exporterLabel{}
	}
	return exporterLabel{text: id.AsString(), written: true}
}

// removeAll removes an attribute, also where a client sent it several times.
func removeAll(attributes pcommon.Map, key string) {
	for attributes.Remove(key) {
	}
}
