// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Scenario: requests of points that have long, short and no beginnings in common, in random order; each point also
// comes in a request of its own, where nothing can be shared. Guarantee: each point meets its own stream both times,
// so as many streams as different attribute sets, and the same attributes go out.
func TestSharedAttributesAreTheSameAttributes(t *testing.T) {
	e, clock := newTestEngine(t, trims)
	clock.advance(20 * time.Second)
	random := rand.New(rand.NewPCG(1, 2))
	const kinds = 40
	for round := range 30 {
		clock.advance(time.Second)
		var order []int
		for range 1 + random.IntN(30) {
			order = append(order, random.IntN(kinds))
		}
		if round%2 == 0 {
			consume(t, e, kindsOf(clock.now, order...))
			continue
		}
		for _, kind := range order {
			consume(t, e, kindsOf(clock.now, kind))
		}
	}
	for kind := range kinds {
		consume(t, e, kindsOf(clock.now.Add(time.Second), kind))
	}
	assert.Equal(t, int64(kinds), e.Stats().SourceStreams)
	assert.Equal(t, int64(kinds), e.Stats().Streams)

	clock.advance(10 * time.Second)
	all := make([]int, kinds)
	for kind := range all {
		all[kind] = kind
	}
	out := kindsOf(clock.now, all...)
	batch, err := e.Consume(out, nil)
	assert.NoError(t, err)
	defer batch.Release()
	points := onlyMetric(out).Sum().DataPoints()
	assert.Equal(t, kinds, points.Len())
	for kind, point := range points.All() {
		want := pcommon.NewMap()
		describeKind(want, kind)
		want.Remove("session.id")
		assert.Equal(t, want.AsRaw(), point.Attributes().AsRaw())
	}
}

// kindsOf builds a delta point of each kind.
func kindsOf(now time.Time, order ...int) pmetric.Metrics {
	md, metric := claudeCode()
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for i, kind := range order {
		point := sum.DataPoints().AppendEmpty()
		describeKind(point.Attributes(), kind)
		point.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Duration(i) * time.Microsecond)))
		point.SetIntValue(int64(kind + 1))
	}
	return md
}

// describeKind writes attributes of which kinds have more or less in common, from the beginning on.
func describeKind(attributes pcommon.Map, kind int) {
	for i := range 3 + kind%7 {
		attributes.PutStr(fmt.Sprintf("attribute.%d", i), fmt.Sprintf("a value that takes some room %d", kind/20))
	}
	attributes.PutStr("session.id", "one session")
	attributes.PutInt("kind", int64(kind))
}
