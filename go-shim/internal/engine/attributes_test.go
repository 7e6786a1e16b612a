// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// numbered fills a map with attributes `00` to the last before count, each with its number as value.
func numbered(attributes pcommon.Map, count int) {
	for i := range count {
		attributes.PutInt(fmt.Sprintf("%02d", i), int64(i))
	}
}

func bit(value bool) uint32C {
	if value {
		return 1
	}
	return 0
}

// Scenario: points with 1 to 70 attributes; each fourth is removed and each fifth replaced, through the bits
// of a verdict for the first 32 and through edits for the rest.
// Guarantee: exactly those, also at 31, 32, 33 and 64, and their order stays (T1, T2).
func TestEditsByNumber(t *testing.T) {
	for count := 1; count <= 70; count++ {
		md := oneMetric(deltaSum(1))
		attributes := onlyMetric(md).Sum().DataPoints().At(0).Attributes()
		attributes.Clear()
		numbered(attributes, count)
		answer := verdict{action: actionKeep}
		var edits []attributeEdit
		want := pcommon.NewMap()
		for i := range count {
			removed, replaced := i%4 == 0, i%5 == 1 && i%4 != 0
			switch key := fmt.Sprintf("%02d", i); {
			case replaced:
				want.PutStr(key, "other")
			case !removed:
				want.PutInt(key, int64(i))
			}
			if i >= 32 {
				answer.has_edits = 1
				if removed || replaced {
					edits = append(edits, attributeEdit{attribute: uint32C(i), replace: bit(replaced)})
				}
				continue
			}
			answer.remove |= bit(removed) << i
			answer.replace |= bit(replaced) << i
		}
		a := answers{points: []verdict{answer}, edits: edits}
		a.apply(md)
		attributes = onlyMetric(md).Sum().DataPoints().At(0).Attributes()
		assert.Equal(t, want.AsRaw(), attributes.AsRaw())
		before := ""
		for key := range attributes.All() {
			assert.Less(t, before, key)
			before = key
		}
	}
}

// Scenario: edits beyond the first 32 attributes for the points 1, 3 and 4 of five; point 3 is dropped, and a
// zero stands beside point 1.
// Guarantee: no point gets another's, and the zero has the attributes after trimming (D6).
func TestEditsOfSeveralPoints(t *testing.T) {
	metric := pmetric.NewMetric()
	sum := metric.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for range 5 {
		numbered(sum.DataPoints().AppendEmpty().Attributes(), 40)
	}
	md := oneMetric(metric)
	a := answers{
		points: []verdict{
			{action: actionKeep, remove: 1}, {action: actionKeep, has_edits: 1}, {action: actionKeep},
			{action: actionDrop, has_edits: 1, remove: 2}, {action: actionKeep, replace: 1 << 31, has_edits: 1},
		},
		edits: []attributeEdit{
			{owner: 1, attribute: 32}, {owner: 1, attribute: 39}, {owner: 3, attribute: 38}, {owner: 4, attribute: 33},
		},
		added: []addedPoint{{point: 1}},
	}
	a.apply(md)
	missing := func(point int) (keys []string) {
		attributes := onlyMetric(md).Sum().DataPoints().At(point).Attributes()
		for i := range 40 {
			key := fmt.Sprintf("%02d", i)
			if value, found := attributes.Get(key); !found || value.Type() != pcommon.ValueTypeInt {
				keys = append(keys, key)
			}
		}
		return keys
	}
	assert.Equal(t, [][]string{{"00"}, {"32", "39"}, nil, {"31", "33"}, {"32", "39"}},
		[][]string{missing(0), missing(1), missing(2), missing(3), missing(4)})
	assert.Empty(t, a.edits)
}

// Scenario: four resources, one of them with nothing but a summary, one with nothing at all; edits for three.
// Guarantee: resources are counted as the first walk wrote them, and trimmed whatever they hold (T1).
func TestEditsOfResources(t *testing.T) {
	for _, all := range []bool{true, false} {
		md := pmetric.NewMetrics()
		for _, name := range []string{"delta sum", "summary", "", "cumulative histogram"} {
			rm := md.ResourceMetrics().AppendEmpty()
			numbered(rm.Resource().Attributes(), 40)
			if name != "" {
				everyMetric()[name].CopyTo(rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
			}
		}
		a := answers{
			selection:     selection{resources: all},
			points:        []verdict{{action: actionKeep}, {action: actionKeep}},
			resourceEdits: []attributeEdit{{owner: 0}, {owner: 0, attribute: 35}, {owner: 1, attribute: 39}},
		}
		if all {
			a.resourceEdits = []attributeEdit{
				{owner: 0}, {owner: 0, attribute: 35}, {owner: 1, attribute: 1}, {owner: 3, attribute: 39},
			}
		}
		a.apply(md)
		lengths := []int{}
		for _, rm := range md.ResourceMetrics().All() {
			lengths = append(lengths, rm.Resource().Attributes().Len())
		}
		if all {
			assert.Equal(t, []int{38, 39, 40, 39}, lengths)
		} else {
			assert.Equal(t, []int{38, 40, 40, 39}, lengths)
		}
		assert.Empty(t, a.resourceEdits)
	}
}
