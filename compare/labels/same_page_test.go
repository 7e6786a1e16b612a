package labels

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/tokenledger/tokenledger/tests/capture"
)

// rounds is how many random configurations are tried.
const rounds = 300

// Scenario: random requests with all kinds of metrics, types of attributes and exemplars, in which no two labels get one
// name, to an exporter with random settings; then the same with const labels and the labels of the resource moved into
// the processor.
// Guarantee: the same page, byte for byte, in every form that a scraper may ask for.
func TestNothingCollides(t *testing.T) {
	for seed := range uint64(rounds) {
		g := &generator{Rand: rand.New(rand.NewPCG(7, seed)), clock: 1_700_000_000_000_000_000}
		s := g.settings()
		requests := []pmetric.Metrics{g.request(), g.request()}
		stock, ours := stockPage(t, s), ourPage(t, s)
		for _, md := range requests {
			stock.take(t, md)
			ours.take(t, md)
		}
		for form := range forms {
			require.Equal(t, stock.read(t, form), ours.read(t, form), "seed %d, %+v, as %s", seed, s, form)
		}
		require.NotEmpty(t, ours.series(t))
		require.Empty(t, stock.lost(), "seed %d", seed)
		require.Empty(t, ours.lost(), "seed %d", seed)
	}
}

// Scenario: recorded sessions of a real client, with the settings of the five seeds' exporters that have to do with
// labels, but for those that collide.
// Guarantee: the same page.
func TestCapturesWithoutCollision(t *testing.T) {
	for _, s := range []settings{
		{},
		{constLabels: map[string]string{"environment": "dev"}},
		{resource: true, timestamps: true},
		{resource: true, excludeService: true, constLabels: map[string]string{"team": "core"}},
	} {
		for _, version := range capture.Versions {
			stock, ours := stockPage(t, s), ourPage(t, s)
			for _, md := range captured(t, version) {
				stock.take(t, md)
				ours.take(t, md)
			}
			for form := range forms {
				assert.Equal(t, stock.read(t, form), ours.read(t, form), "%+v", s)
			}
			assert.NotEmpty(t, ours.series(t))
			assert.Empty(t, ours.lost())
		}
	}
}

// captured are the metrics of a recording.
func captured(t *testing.T, version string) []pmetric.Metrics {
	t.Helper()
	var all []pmetric.Metrics
	for _, request := range capture.Load(t, "../..", version, capture.JSON).Of(capture.Metrics) {
		md, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(request.Body)
		require.NoError(t, err)
		all = append(all, md)
	}
	return all
}
