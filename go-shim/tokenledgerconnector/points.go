// SPDX-License-Identifier: Apache-2.0

package tokenledgerconnector // import "github.com/tokenledger/tokenledger/go-shim/tokenledgerconnector"

import (
	"math"
	"sort"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/go-shim/internal/events"
)

// series are the points of one resource in one batch: one per metric and set of attributes.
type series struct {
	resource pcommon.Map
	points   map[pointKey]*point
	order    []*point
}

// pointKey tells the points of one resource apart.
type pointKey struct {
	metric     metricID
	attributes string // written by signature
	first      string // type, outcome or issue
	second     string // kind of error
}

// point gathers what requests of one batch add to one stream.
type point struct {
	key        pointKey
	attributes pcommon.Map // shared with other points; first and second are not in it
	start, end int64       // Unix nanoseconds
	names      uint64      // of its requests, whatever their order
	value      int64
	histogram  *histogram
}

type histogram struct {
	count    uint64
	sum      float64
	min, max float64
	buckets  []uint64
}

// add adds an amount that belongs to a request.
func (s *series) add(key pointKey, attributes pcommon.Map, r *events.Request, value int64) {
	p := s.at(key, attributes, r)
	p.value = addSaturating(p.value, value)
}

// observe adds a duration that belongs to a request.
func (s *series) observe(key pointKey, attributes pcommon.Map, r *events.Request, d time.Duration) {
	p := s.at(key, attributes, r)
	if p.histogram == nil {
		p.histogram = &histogram{min: math.Inf(1), max: math.Inf(-1), buckets: make([]uint64, len(durationBounds)+1)}
	}
	seconds := d.Seconds()
	p.histogram.count++
	p.histogram.sum += seconds
	p.histogram.min, p.histogram.max = min(p.histogram.min, seconds), max(p.histogram.max, seconds)
	p.histogram.buckets[sort.SearchFloat64s(durationBounds, seconds)]++
}

// at is the point of a key, made to cover the request.
func (s *series) at(key pointKey, attributes pcommon.Map, r *events.Request) *point {
	start, end := r.Start.UnixNano(), r.End.UnixNano()
	p := s.points[key]
	if p == nil {
		p = &point{key: key, attributes: attributes, start: start, end: end}
		s.points[key] = p
		s.order = append(s.order, p)
	}
	p.start, p.end = min(p.start, start), max(p.end, end)
	p.names += r.Key.Number() // a sum: the order of requests makes no difference
	return p
}

// window is the point's start and time.
//
// Two batches can bring points of equal size within one millisecond. The processor `token_ledger` tells a point that
// was sent again from another one by start, time and value (D3b), so the start carries the names of the point's
// requests below its millisecond: points of other requests differ, and the same requests make the same point again. It
// lies in the millisecond before the first request began, so that it is before the time even of requests whose
// duration is unknown.
func (p *point) window() (start, end pcommon.Timestamp) {
	const millisecond = int64(time.Millisecond)
	floor := p.start - p.start%millisecond - millisecond
	floor = max(floor, 0)
	return pcommon.Timestamp(floor + int64(mix(p.names)%uint64(millisecond))), pcommon.Timestamp(max(p.end, millisecond))
}

// mix spreads a number over all bits (the finaliser of MurmurHash3), so that its remainder depends on all of them.
func mix(n uint64) uint64 {
	n ^= n >> 33
	n *= 0xff51afd7ed558ccd
	n ^= n >> 33
	n *= 0xc4ceb9fe1a85ec53
	return n ^ n>>33
}

// write writes the points, each metric's in the order in which they came.
func (s *series) write(into pmetric.MetricSlice) {
	var written [metricCount]pmetric.Metric
	var begun [metricCount]bool
	for m := range metricCount {
		for _, p := range s.order {
			if p.key.metric != m {
				continue
			}
			if !begun[m] {
				begun[m] = true
				written[m] = into.AppendEmpty()
				m.describe(written[m])
			}
			p.write(written[m])
		}
	}
}

func (p *point) write(into pmetric.Metric) {
	start, end := p.window()
	if p.histogram != nil {
		dp := into.Histogram().DataPoints().AppendEmpty()
		dp.SetStartTimestamp(start)
		dp.SetTimestamp(end)
		p.histogram.write(dp)
		p.writeAttributes(dp.Attributes())
		return
	}
	dp := into.Sum().DataPoints().AppendEmpty()
	dp.SetStartTimestamp(start)
	dp.SetTimestamp(end)
	if metrics[p.key.metric].kind == kindUSD {
		dp.SetDoubleValue(events.USD(p.value))
	} else {
		dp.SetIntValue(p.value)
	}
	p.writeAttributes(dp.Attributes())
}

func (h *histogram) write(dp pmetric.HistogramDataPoint) {
	dp.SetCount(h.count)
	dp.SetSum(h.sum)
	dp.SetMin(h.min)
	dp.SetMax(h.max)
	dp.ExplicitBounds().FromRaw(durationBounds)
	dp.BucketCounts().FromRaw(h.buckets)
}

// writeAttributes writes what all points of the request have, and what tells this one apart.
func (p *point) writeAttributes(into pcommon.Map) {
	p.attributes.CopyTo(into)
	switch p.key.metric {
	case metricTokens, metricCost, metricUnpriced:
		into.PutStr(attributeType, p.key.first)
	case metricRequests, metricDuration:
		into.PutStr(attributeOutcome, p.key.first)
		if p.key.second != "" {
			into.PutStr(attributeErrorType, p.key.second)
		}
	case metricQuality:
		into.PutStr(attributeIssue, p.key.first)
	}
	into.PutStr(attributeSource, sourceEvents)
}

// addSaturating stays at the largest number instead of beginning anew at the smallest: a batch whose requests are each
// at the limit of what is believed must not turn a total negative.
func addSaturating(a, b int64) int64 {
	sum := a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	default:
		return sum
	}
}
