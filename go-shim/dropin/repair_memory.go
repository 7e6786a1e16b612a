// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

// repairBallast takes the memory ballast away, which core removed in v0.109: Go's memory limit does its work since.
func repairBallast(document *document, _ environment, report *report) error {
	for _, id := range document.components("extensions") {
		if kind, _ := splitID(id); kind != "memory_ballast" {
			continue
		}
		if err := document.drop("extensions", id); err != nil {
			return err
		}
		report.warn(ruleMemoryBallast, []string{"extensions", id},
			"the extension memory_ballast was removed in v0.109 and is left out: remove it, "+
				"and set the environment variable GOMEMLIMIT to bound memory")
	}
	for _, id := range document.components("processors") {
		path := []string{"processors", id, "ballast_size_mib"}
		if kind, _ := splitID(id); kind != "memory_limiter" || !document.remove(path...) {
			continue
		}
		report.warn(ruleMemoryBallast, path, "there is no ballast any more, so its size is left out: remove the setting")
	}
	return nil
}

// limiterInterval is what the documentation of memory_limiter advises.
const limiterInterval = "1s"

// repairLimiterInterval says how often memory_limiter looks at memory where nothing does: it has no default, and the
// collector refuses to start.
func repairLimiterInterval(document *document, _ environment, report *report) error {
	for _, id := range document.components("processors") {
		path := []string{"processors", id, "check_interval"}
		if kind, _ := splitID(id); kind != "memory_limiter" || document.text(path...) != "" {
			continue
		}
		// Without settings no limit is written either, which nobody else can decide.
		if settings, ok := document.get("processors", id).(map[string]any); !ok || len(settings) == 0 {
			continue
		}
		if err := document.set(limiterInterval, path...); err != nil {
			return err
		}
		report.warn(ruleLimiterInterval, path,
			"memory_limiter has no default for check_interval, and %s is used: write check_interval: %s",
			limiterInterval, limiterInterval)
	}
	return nil
}
