// Package labels holds tests: the page of contrib's real `prometheus` exporter alone, and with the processor
// prometheus_labels before it. Where no labels collide both are the same text; where some do, the exporter alone loses
// series, and the tests say which, so that a version that repairs this is noticed.
package labels
