package tests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// compatibleNames are the names of contrib's processor, the second of which it calls deprecated.
var compatibleNames = []string{"delta_to_cumulative", "deltatocumulative"}

// compatibleConfig is a pipeline as configurations in use have it, with this processor's settings. It tells streams apart by
// their resources, so the exporter has to do so, too.
func compatibleConfig(name, settings string) string {
	return fmt.Sprintf(`
processors: {%s: %s}
exporters: {prometheus: {resource_to_telemetry_conversion: {enabled: true, exclude_service_attributes: true}}}
service: {pipelines: {metrics: {processors: [memory_limiter, %s]}}}
`, name, settings, name)
}

// Scenario: configurations written for contrib's processor, under both of its names and with its settings. Guarantee:
// they start unchanged, every recorded session is exact in every way of arrival, and the old name brings one warning.
func TestCompatibleFace(t *testing.T) {
	t.Parallel()
	for _, name := range compatibleNames {
		for _, settings := range []string{"{}", "{max_stale: 10m, max_streams: 50000}", "{max_streams: 9223372036854775807}"} {
			t.Run(name+settings, func(t *testing.T) {
				t.Parallel()
				collector := harness.StartCollector(t, harness.Setup{Config: compatibleConfig(name, settings)})
				var sent []capture.Capture
				for i, original := range loadAll(t) {
					for _, variant := range variants {
						c := original.Renamed(name + variant.name)
						sent = append(sent, c)
						client := collector.Client(t, harness.Transports[i%len(harness.Transports)])
						require.NoError(t, client.SendAll(t.Context(), variant.change(t, c).Of(capture.Metrics)), c.Name)
					}
				}
				collector.Settle(t)
				page := collector.Page(t)
				for _, c := range sent {
					requireTruth(t, page, c)
				}
				warned := strings.Count(collector.Log(), "deprecated")
				assert.Equal(t, name == "deltatocumulative", warned > 0, "warnings of a deprecated name: %d", warned)
			})
		}
	}
}

// Scenario: settings that contrib's processor refuses, and settings that are token_ledger's. Guarantee: the compatible
// face refuses them as well and names the key, so nobody believes in a setting that does nothing.
func TestCompatibleFaceRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range compatibleNames {
		for settings, key := range map[string]string{
			"{max_stale: 0s}":         "max_stale",
			"{max_stale: -1m}":        "max_stale",
			"{max_streams: -1}":       "max_streams",
			"{emit: interval}":        "emit",
			"{identity: prometheus}":  "identity",
			"{cardinality: {}}":       "cardinality",
			"{first_value_delay: 1s}": "first_value_delay",
		} {
			output, code := harness.Validate(t, harness.Setup{Config: compatibleConfig(name, settings)})
			assert.NotZero(t, code, "%s: %s", name, settings)
			assert.Contains(t, output, key, "%s: %s", name, settings)
		}
	}
}

// Scenario: more streams than max_streams allows. Guarantee: contrib would drop the rest; here it is counted in overflow
// series, and the sum over all series is the truth (T5).
func TestCompatibleFaceOverflows(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t, harness.Setup{Config: compatibleConfig("delta_to_cumulative", "{max_streams: 10}")})
	var tokens float64
	for _, c := range loadAll(t) {
		require.NoError(t, collector.Client(t, harness.GRPC).SendAll(t.Context(), c.Of(capture.Metrics)))
		for _, session := range c.Sessions {
			for _, count := range session.Tokens {
				tokens += count
			}
		}
	}
	harness.Eventually(t, harness.Patience, "totals", func() error {
		if got := collector.Page(t).Sum("claude_code_token_usage"); got != tokens {
			return fmt.Errorf("%v tokens, should be %v", got, tokens)
		}
		return nil
	})
	assert.NotEmpty(t, collector.Page(t).Find("claude_code_token_usage", "otel_metric_overflow", "true"))
}
