// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

// Rules of the repairs: the first column of the table in README.md, and what a line of the log names as its rule.
const (
	ruleComponentName     = "component-name"
	ruleExporterLogging   = "exporter-logging"
	ruleExporterBatcher   = "exporter-batcher"
	ruleFormerSetting     = "former-setting"
	ruleRemoteWriteHTTP   = "remote-write-http"
	ruleMemoryBallast     = "memory-ballast"
	ruleLimiterInterval   = "memory-limiter-interval"
	ruleHealthCheckV2     = "health-check-v2"
	ruleHTTPKeepAlive     = "http-keep-alive"
	ruleMetricSuffixes    = "metric-suffixes"
	ruleResourceLabels    = "resource-labels"
	ruleActionValue       = "action-without-value"
	ruleSelfMetricsHost   = "self-metrics-host"
	ruleSelfMetricsReader = "self-metrics-address"
	ruleProfilesPipeline  = "profiles-pipeline"
	rulePartUnused        = "part-unused"
	rulePartMissing       = "part-missing"
)

// repairs in the order in which they run. Names come first, since the others look for components by their names of
// today; missing parts come last, since the others take some away.
var repairs = []step{
	repairNames,
	repairLogging,
	repairBatcher,
	repairFormerSettings,
	repairRemoteWriteHTTP,
	repairBallast,
	repairLimiterInterval,
	repairHealthCheck,
	repairKeepAlive,
	repairSuffixes,
	repairResourceLabels,
	repairActions,
	repairTelemetryAddress,
	repairTelemetryHost,
	repairProfiles,
	repairMissingParts,
}

// repair changes what the collector of this distribution refuses, or accepts but no longer honours, into what it takes
// today, and warns of each change with what to write instead. A configuration that is up to date stays as it is.
func repair(document *document, environment environment, report *report) error {
	if err := document.open(); err != nil {
		return err
	}
	for _, repair := range repairs {
		if err := repair(document, environment, report); err != nil {
			return err
		}
	}
	return nil
}
