// SPDX-License-Identifier: Apache-2.0

package engine

import "encoding/binary"

// decodeMetadata reads client metadata back from attribute records: arrays of strings. The library
// hands out what this package wrote, so a record that does not fit ends the reading.
func decodeMetadata(records []byte) Metadata {
	if len(records) == 0 {
		return nil
	}
	metadata := Metadata{}
	for key, value := range attributeRecords(records) {
		texts := []string{}
		for _, text := range attributeRecords(value) {
			texts = append(texts, string(text))
		}
		metadata[string(key)] = texts
	}
	return metadata
}

// attributeRecords iterates over the keys and values of a run of attribute records.
func attributeRecords(records []byte) func(yield func(key, value []byte) bool) {
	const header = 8
	return func(yield func(key, value []byte) bool) {
		for len(records) >= header {
			keyEnd := header + int(binary.NativeEndian.Uint32(records)>>8)
			valueEnd := keyEnd + int(binary.NativeEndian.Uint32(records[4:]))
			if valueEnd > len(records) || !yield(records[header:keyEnd], records[keyEnd:valueEnd]) {
				return
			}
			records = records[valueEnd:]
		}
	}
}
