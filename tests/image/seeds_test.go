//go:build image

package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tokenledger/tokenledger/tests/capture"
	"github.com/tokenledger/tokenledger/tests/harness"
)

// seed is a stack that exists: its compose file, started as it is, and the files that this mounts, by their place.
type seed struct {
	compose string
	files   map[string]string
	folders []string
	// states are folders that a service of another user writes.
	states []string
	// scraped are the jobs of its Prometheus that ask the collector, for totals or for its own metrics.
	scraped []string
}

// Where the seeds' own files lie; no licence allows shipping them with this repository.
const seedsVariable = "TOKENLEDGER_SEED_STACKS"

var seeds = map[string]seed{
	"01": {
		compose: "01_atxtechbro_dotfiles__docker-compose.yml",
		files: map[string]string{
			"otel-collector-config.yml": "configs/01_atxtechbro_dotfiles__otel-collector-config.yml",
			"prometheus.yml":            "files/S0-atxtechbro-dotfiles/observability/prometheus.yml",
		},
		folders: []string{"grafana/provisioning", "grafana/dashboards"},
		scraped: []string{"claude-code", "otel-collector"},
	},
	"02": {
		compose: "02_ohnaw_claude-grafana__docker-compose.yml",
		files: map[string]string{
			"config/otel-collector-config.yaml": "configs/02_ohnaw_claude-grafana__otel-collector-config.yaml",
			"config/prometheus.yml":             "files/S1-ohnaw-claude-grafana/config/prometheus.yml",
			"config/loki-config.yaml":           "",
		},
		folders: []string{"config/grafana/provisioning", "config/grafana/dashboards"},
		scraped: []string{"otel-collector"}, // its own metrics; totals are pushed
	},
	"03": {
		compose: "03_dyno_token_metrics__docker-compose.yml",
		files: map[string]string{
			"otel-collector-config.yaml": "configs/03_dyno_token_metrics__otel-collector-config.yaml",
			"prometheus.yml":             "files/S2-dyno-token_metrics/prometheus.yml",
		},
		folders: []string{"grafana/provisioning", "grafana/dashboards"},
		states:  []string{"data/prometheus", "data/victoriametrics", "data/victorialogs", "data/grafana"},
		scraped: []string{"otel-collector"},
	},
	"03, its earlier state": {
		compose: "03b_dyno_token_metrics_1c22727__docker-compose.yml",
		files: map[string]string{
			"otel-collector-config.yaml": "files/S2-dyno-token_metrics/otel-collector-config.yaml",
			"prometheus.yml":             "files/S2-dyno-token_metrics/prometheus.yml",
		},
		folders: []string{"grafana/provisioning", "grafana/dashboards"},
		scraped: []string{"otel-collector"},
	},
	"04": {
		compose: "04_cskiro_annex__docker-compose.yml",
		files: map[string]string{
			"otel-collector-config.yml": "configs/04_cskiro_annex__otel-collector-config.yml",
			"prometheus.yml":            "files/S3-cskiro-annex/templates/prometheus.yml",
			"grafana-datasources.yml":   "files/S3-cskiro-annex/templates/grafana-datasources.yml",
		},
		scraped: []string{"otel-collector"},
	},
	"05": {
		compose: "05_seed4_tutorial__docker-compose.yml",
		files: map[string]string{
			"config/otel-collector-config.yaml": "configs/05_seed4_tutorial__otel-collector-config.yaml",
		},
		folders: []string{"config/grafana/provisioning"},
		states:  []string{"data/prometheus", "data/grafana"},
		scraped: []string{"otel-collector"},
	},
}

// load copies a seed into a folder of its own. Its Prometheus, where the seed's file exists only as prose, scrapes what
// the prose says.
func (s seed) load(t *testing.T) *stack {
	t.Helper()
	root := os.Getenv(seedsVariable)
	if root == "none" {
		t.Skipf("left out, because %s=none", seedsVariable)
	}
	files := map[string]string{composeFile: filepath.Join(root, "compose", s.compose)}
	for place, source := range s.files {
		files[place] = source
		if source != "" {
			files[place] = filepath.Join(root, source)
		}
	}
	for _, source := range files {
		if source != "" {
			require.FileExists(t, source, "the existing stacks are not part of this repository: %s names their folder, `none` leaves these tests out", seedsVariable)
		}
	}
	stack := newStack(t, files)
	if _, given := s.files["config/prometheus.yml"]; !given {
		if _, given := s.files["prometheus.yml"]; !given {
			stack.write(t, "config/prometheus.yml", []byte(`scrape_configs:
  - {job_name: otel-collector, scrape_interval: 10s, static_configs: [{targets: ["otel-collector:8889"]}]}
`))
		}
	}
	stack.makeFolders(t, append(s.folders, s.states...)...)
	return stack
}

// runs starts a seed, sends all signals of a recording to the published port and asks its Prometheus.
func (s seed) runs(t *testing.T) {
	t.Helper()
	stack := s.load(t)
	require.NoError(t, stack.upInOrder(t))
	session := recording(t)
	sendEverything(t, session)
	requireTotalIn(t, allUsageOfTokens, tokens(t, session))
	for _, job := range s.scraped {
		// What is pushed may be there before the first scrape.
		harness.Eventually(t, harness.Patience, "job "+job+" of this stack's Prometheus", func() error {
			up, err := prometheusValue(fmt.Sprintf("up{job=%q}", job))
			if err == nil && up != 1 {
				err = errors.New("it is down")
			}
			return err
		})
	}
	requireUnchanged(t, stack, s)
}

// The tests of the seeds start each compose file exactly as it is, with this image under the stock image's name, stand-ins
// for the services that cannot be had and a real Prometheus, and send all signals of a real client. They guarantee that
// every service starts, that this Prometheus has the exact number of tokens, and that its scrapes of the collector's own
// metrics are answered.

func TestSeed01(t *testing.T)             { seeds["01"].runs(t) }
func TestSeed02(t *testing.T)             { seeds["02"].runs(t) }
func TestSeed03(t *testing.T)             { seeds["03"].runs(t) }
func TestSeed03EarlierState(t *testing.T) { seeds["03, its earlier state"].runs(t) }
func TestSeed04(t *testing.T)             { seeds["04"].runs(t) }

// TestSeed05 is the one whose Prometheus waits until the collector is healthy.
func TestSeed05(t *testing.T) { seeds["05"].runs(t) }

// TestSeed05WithoutHealthCheck starts it as it was: with an image that has no health check. It guarantees that it then does
// not start.
func TestSeed05WithoutHealthCheck(t *testing.T) {
	stack := seeds["05"].load(t)
	stack.replaceCollector(t, "localhost/standin/unchecked:latest")
	require.ErrorContains(t, stack.upInOrder(t), "prometheus waits for otel-collector")
}

// sendEverything sends all signals of a recording as its client did, half by each transport.
func sendEverything(t *testing.T, session capture.Capture) {
	t.Helper()
	ports := client(t, harness.HTTPProtobuf)
	harness.Eventually(t, harness.Patience, "the collector's published port", func() error {
		return ports.Send(t.Context(), session.Of(capture.Metrics)[0])
	})
	half := len(session.Requests) / 2
	// The first request is sent again: a retry counts once.
	require.NoError(t, client(t, harness.GRPC).SendAll(t.Context(), session.Requests[:half]))
	require.NoError(t, ports.SendAll(t.Context(), session.Requests[half:]))
}

// requireUnchanged makes sure that the stack ran the files that its users have.
func requireUnchanged(t *testing.T, stack *stack, s seed) {
	t.Helper()
	root := os.Getenv(seedsVariable)
	wanted, err := os.ReadFile(filepath.Join(root, "compose", s.compose))
	require.NoError(t, err)
	found, err := os.ReadFile(filepath.Join(stack.folder, composeFile))
	require.NoError(t, err)
	assert.Equal(t, string(wanted), string(found))
}
