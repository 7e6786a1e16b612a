// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"maps"
	"slices"
)

// batcherSettings are those of an exporter's `batcher`, by what `sending_queue::batch` calls them. The sizes had `_items`
// in their names before they could be bytes too.
var batcherSettings = map[string]string{
	"flush_timeout":  "flush_timeout",
	"min_size":       "min_size",
	"min_size_items": "min_size",
	"max_size":       "max_size",
	"max_size_items": "max_size",
	"sizer":          "sizer",
}

// repairBatcher moves an exporter's `batcher`, removed about v0.130, into its queue, where batches are made since.
func repairBatcher(document *document, _ environment, report *report) error {
	for _, id := range document.components("exporters") {
		path := []string{"exporters", id, "batcher"}
		if !document.has(path...) {
			continue
		}
		batcher, _ := plain(document.raw(path...)).(map[string]any)
		document.remove(path...)
		if enabled, written := plain(batcher["enabled"]).(bool); written && !enabled {
			report.warn(ruleExporterBatcher, path, "batcher is no longer a setting, and was off here: remove it")
			continue
		}
		if enabled, written := document.get("exporters", id, "sending_queue", "enabled").(bool); written && !enabled {
			report.warn(ruleExporterBatcher, path,
				"batches are made in the queue since v0.130, and the queue is off here, so there are none: "+
					"turn sending_queue on and write batcher's settings below sending_queue::batch")
			continue
		}
		// What is written already below the queue wins: it is what today's collector reads.
		batch, _ := plain(document.raw("exporters", id, "sending_queue", "batch")).(map[string]any)
		batch = maps.Clone(batch)
		if batch == nil {
			batch = map[string]any{}
		}
		for _, old := range slices.Sorted(maps.Keys(batcher)) {
			if today, known := batcherSettings[old]; known && batch[today] == nil {
				batch[today] = batcher[old]
			}
		}
		if batch["sizer"] == nil {
			batch["sizer"] = "items" // which batcher counted; the queue's own sizer may be another
		}
		if err := document.set(batch, "exporters", id, "sending_queue", "batch"); err != nil {
			return err
		}
		report.warn(ruleExporterBatcher, path,
			"batches are made in the queue since v0.130, and batcher's settings are used there: write them below sending_queue::batch")
	}
	return nil
}

// repairRemoteWriteHTTP moves the settings that contrib v0.159 puts below `http` of prometheus_remote_write to where
// v0.158.0 reads them. They win over equal ones beside `http`, as they do there.
func repairRemoteWriteHTTP(document *document, _ environment, report *report) error {
	for _, id := range document.components("exporters") {
		kind, _ := splitID(id)
		if kind != "prometheusremotewrite" && kind != "prometheus_remote_write" {
			continue
		}
		path := []string{"exporters", id, "http"}
		settings, ok := plain(document.raw(path...)).(map[string]any)
		if !ok {
			continue
		}
		document.remove(path...)
		for _, key := range slices.Sorted(maps.Keys(settings)) {
			if err := document.set(settings[key], "exporters", id, key); err != nil {
				return err
			}
		}
		report.warn(ruleRemoteWriteHTTP, path,
			"this collector reads the client's settings beside the others, and not below http: write them without http")
	}
	return nil
}
