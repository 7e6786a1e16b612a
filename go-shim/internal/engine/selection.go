// SPDX-License-Identifier: Apache-2.0

package engine

import "go.opentelemetry.io/collector/pdata/pmetric"

// selection says what the library is shown of a batch. Both walks ask it, so their points agree.
//
// Delta metrics are accumulated. Cumulative ones are shown too: whether a rule, or a delta stream of the
// same identity, concerns them is for the library to say (D14). Summaries and metrics without a
// temporality pass untouched.
type selection struct {
	// gauges is set where rules may make gauges equal (T4).
	gauges bool
	// resources is set where a rule may change any resource, whatever it holds (T1).
	resources bool
}

// metric tells whether the library is shown a metric, with all its points.
func (s selection) metric(metric pmetric.Metric) bool {
	switch metric.Type() {
	case pmetric.MetricTypeSum:
		return isTemporal(metric.Sum().AggregationTemporality())
	case pmetric.MetricTypeHistogram:
		return isTemporal(metric.Histogram().AggregationTemporality())
	case pmetric.MetricTypeExponentialHistogram:
		return isTemporal(metric.ExponentialHistogram().AggregationTemporality())
	case pmetric.MetricTypeGauge:
		return s.gauges
	}
	return false
}

// resource tells whether the library is shown a resource. Asked before anything of it is changed.
func (s selection) resource(rm pmetric.ResourceMetrics) bool {
	if s.resources {
		return true
	}
	for _, sm := range rm.ScopeMetrics().All() {
		metrics := sm.Metrics()
		for i := range metrics.Len() {
			if s.metric(metrics.At(i)) {
				return true
			}
		}
	}
	return false
}

func isTemporal(temporality pmetric.AggregationTemporality) bool {
	return temporality == pmetric.AggregationTemporalityDelta || temporality == pmetric.AggregationTemporalityCumulative
}
