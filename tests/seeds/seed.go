// Package seeds knows the stacks that Tokenledger has to take over unchanged: their configurations, what their
// dashboards and texts ask, and what the true answers are.
//
// Each stack exists twice. Its shape (folder shapes, written by this project) is in the repository, so that everything is
// proven wherever the repository is. Its own files carry no licence and are not in the repository: they are read where
// they are, and run as they are, when they are there (see Folder).
package seeds

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Variable names the folder of the stacks' own files. "none" means to do without.
const Variable = "TOKENLEDGER_SEED_STACKS"

// Seed is one stack.
type Seed struct {
	// Name is S0 to S4.
	Name string
	// Title says what kind of stack it is, and Fate what the stock parts make of it, for docs/before-after.md.
	Title, Fate string
	// Collector and Prometheus are the paths of the configurations.
	Collector, Prometheus string
	// PrometheusArguments are what its compose file gives to Prometheus beside the paths.
	PrometheusArguments []string
	// Newest says that its Prometheus is the newest release instead of Debian's.
	Newest bool
	// Namespace is what the exporter puts before the names of metrics, with an underscore at its end, or nothing.
	Namespace string
	// Names is the value of TOKEN_LEDGER_NAMES that its texts and dashboards need, because they ask for names that its
	// configuration never produces.
	Names string
	// Families are those that its page then shows beside its own.
	Families []Family
	// Delay is a first_value_delay of more than its scrape interval: what 75 s are for intervals up to a minute.
	Delay time.Duration
	// Pushed says that metrics arrive by remote write.
	Pushed bool
	// Timestamped says that samples carry times of their own instead of that of the scrape.
	Timestamped bool
	// Logs and Traces say whether it has pipelines for them.
	Logs, Traces bool
	// Dashboards and Texts are files with its queries; none for the shapes, whose queries are those of Shapes.
	Dashboards, Texts []string
}

// basis is what a stack's own files and our shape of it have in common.
var basis = []Seed{
	{
		Name:      "S0",
		Title:     "scraped, with a namespace",
		Fate:      "The exporter adds a delta to the one before only if one begins where the other ends, and otherwise replaces it.",
		Namespace: "claude_code_", Names: "canonical,without_units",
		Families: []Family{Canonical, WithoutUnits}, Logs: true, Traces: true,
	},
	{
		Name:  "S1",
		Title: "remote write behind the stock converter, logs to Loki",
		Fate:  "Stock parts refuse the file, because the exporter `loki` is gone. These are the numbers with that exporter taken out.",
		Names: "without_units", Families: []Family{WithoutUnits}, Pushed: true, Logs: true,
		PrometheusArguments: []string{"--web.enable-lifecycle", "--web.enable-remote-write-receiver"},
	},
	{
		Name:  "S2",
		Title: "resource attribute `job`, samples with times, logs to VictoriaLogs",
		Fate:  "The attribute and the exporter give one label twice, and every metric is dropped.",
		Names: "without_units,bare", Families: []Family{WithoutUnits, Bare}, Timestamped: true, Logs: true,
		PrometheusArguments: []string{"--web.enable-lifecycle"},
	},
	{
		Name:      "S3",
		Title:     "scraped, with a namespace and the constant label `source`",
		Fate:      "As S0; and one metric has an attribute `source` of its own, so it is dropped.",
		Namespace: "claude_code_", Names: "canonical,without_units",
		Families: []Family{Canonical, WithoutUnits}, Logs: true,
	},
	{
		Name:  "S4",
		Title: "scraped, metrics only, with the constant label `source`",
		Fate:  "As S3, under other names.",
		Names: "all", Families: []Family{Double, OTel, WithoutUnits, Bare},
		PrometheusArguments: []string{"--web.enable-lifecycle", "--web.enable-remote-write-receiver"},
	},
}

// Basis are the stacks in order, without files.
func Basis() []Seed { return basis }

// Shapes are the stacks as this project wrote them, below the top of the repository.
func Shapes(root string) []Seed {
	var out []Seed
	for _, seed := range basis {
		folder := filepath.Join(root, "tests", "seeds", "shapes", strings.ToLower(seed.Name))
		seed.Collector = filepath.Join(folder, "collector.yaml")
		seed.Prometheus = filepath.Join(folder, "prometheus.yaml")
		seed.Delay = 8 * time.Second
		out = append(out, seed)
	}
	return out
}

// Folder finds the stacks' own files: the folder that the variable names, or that beside the repository. Without either,
// and with "none", it is empty.
func Folder(root string) (string, error) {
	switch named := os.Getenv(Variable); named {
	case "none":
		return "", nil
	case "":
		beside := filepath.Join(root, "..", "shared", "data", "seed-stacks")
		if _, err := os.Stat(beside); err != nil {
			return "", nil
		}
		return beside, nil
	default:
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("%s names a folder that cannot be read; set it to none to do without the stacks' own files: %w",
				Variable, err)
		}
		return named, nil
	}
}

// Own are the stacks in their owners' files.
func Own(tb testing.TB, root, folder string) []Seed {
	tb.Helper()
	shapes := Shapes(root)
	files := []struct{ collector, prometheus, dashboards, texts string }{
		{
			"configs/01_*", "files/S0*/observability/prometheus.yml",
			"dashboards/atxtechbro*", "files/S0*/observability/README.md",
		},
		{"configs/02_*", "files/S1*/config/prometheus.yml", "dashboards/ohnaw*", ""},
		{
			"configs/03_*", "files/S2*/prometheus.yml", "dashboards/dyno*", "",
		},
		{
			"configs/04_*", "files/S3*/templates/prometheus.yml", "dashboards/cskiro*",
			"files/S3*/README.md files/S3*/SKILL.md files/S3*/*/*.md",
		},
		{"configs/05_*", "", "", ""}, // its text exists as prose only
	}
	var out []Seed
	for i, seed := range basis {
		seed.Collector = one(tb, folder, files[i].collector)
		seed.Prometheus, seed.Delay = shapes[i].Prometheus, shapes[i].Delay
		if files[i].prometheus != "" {
			seed.Prometheus, seed.Delay = one(tb, folder, files[i].prometheus), 18*time.Second
		}
		seed.Dashboards = all(tb, folder, files[i].dashboards)
		seed.Texts = all(tb, folder, files[i].texts)
		out = append(out, seed)
	}
	early := out[2] // the same stack at an earlier state, whose dashboards ask Prometheus as well
	early.Name = "S2 at its earlier state"
	early.Collector = one(tb, folder, "files/S2*/otel-collector-config.yaml")
	early.Dashboards = all(tb, folder, "files/S2*/grafana/dashboards/*.json")
	return append(out, early)
}

func one(tb testing.TB, folder, pattern string) string {
	tb.Helper()
	found := all(tb, folder, pattern)
	if len(found) != 1 {
		tb.Fatalf("%d files %s in %s, not one; set %s=none to do without the stacks' own files", len(found), pattern, folder, Variable)
	}
	return found[0]
}

// all are the files that patterns, separated by spaces, find; each finds at least one.
func all(tb testing.TB, folder, patterns string) []string {
	tb.Helper()
	var out []string
	for _, pattern := range strings.Fields(patterns) {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(found) == 0 {
			tb.Fatalf("no file %s in %s (%v); set %s=none to do without the stacks' own files", pattern, folder, err, Variable)
		}
		out = append(out, found...)
	}
	return out
}
