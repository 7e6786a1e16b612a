// SPDX-License-Identifier: Apache-2.0

package dropin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/xconfmap"
)

// Scenario: a configuration of today has variables in all places, but feeds nothing of Prometheus; all steps run.
// Guarantee: nothing is changed, to the byte, in either form of a value, and nothing is said.
func TestConfigurationThatNeedsNothing(t *testing.T) {
	t.Setenv("PASS", "007")
	conf := resolve(t, baseConfiguration(t), `
processors:
  resource: {attributes: [{key: team, value: "${env:PASS}", action: insert}]}
extensions:
  basicauth: {client_auth: {username: "${env:PASS}", password: "${env:PASS}"}}
exporters:
  otlp_http: {endpoint: "https://collector.example.com:4318", auth: {authenticator: basicauth}, headers: {x: "${env:PASS}"}}
service:
  extensions: [basicauth]
  pipelines: {metrics: {processors: [resource], exporters: [otlp_http, nop]}}
`)
	before := xconfmap.ToStringMapRaw(conf)
	assert.Empty(t, passThrough(t, conf, nil, steps...))
	assert.Equal(t, before, xconfmap.ToStringMapRaw(conf))
}

// Scenario: each case of repairs and warnings, and one that feeds Prometheus beside others, goes through all steps twice,
// with everything that can be asked for by variables.
// Guarantee: what comes out of the converter goes through it unchanged.
func TestConvertingTwiceIsConvertingOnce(t *testing.T) {
	inputs := []string{`
exporters: {prometheus: {endpoint: "0.0.0.0:1", namespace: agents, const_labels: {source: a}}, prometheusremotewrite: {endpoint: "http://a"}}
processors: {deltatocumulative: }
service: {pipelines: {metrics: {processors: [deltatocumulative], exporters: [prometheus, prometheusremotewrite, nop]}}}
`}
	for _, directory := range []string{"repairs", "warnings"} {
		for _, cases := range ruleCases(t, directory) {
			for _, c := range cases {
				inputs = append(inputs, c.Input)
			}
		}
	}
	for _, variables := range []map[string]string{
		nil,
		{autoVariable: "off", namesVariable: "all"},
		{autoVariable: "full", namesVariable: "all", hostVariable: "0.0.0.0"},
	} {
		for _, input := range inputs {
			conf := resolve(t, baseConfiguration(t), input)
			passThrough(t, conf, variables, steps...)
			once := xconfmap.ToStringMapRaw(conf)
			passThrough(t, conf, variables, steps...)
			require.Equal(t, once, xconfmap.ToStringMapRaw(conf), input)
		}
	}
}
