// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"path/filepath"
	"testing"
)

// Scenario: the configurations of testdata/insertion/labels, after insertion.
// Guarantee: prometheus_labels stands before the exporters and in the pipelines that its rules name, settings move whole,
// and a second run changes nothing.
func TestLabels(t *testing.T) {
	eachFixture(t, filepath.Join("testdata", "insertion", "labels", "*.yaml"), insert, settleLabels)
}
