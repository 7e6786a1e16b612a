package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// estimates is the part of criterion's estimates.json that is shown. All figures are nanoseconds.
type estimates struct {
	Median struct {
		Point    float64 `json:"point_estimate"`
		Interval struct {
			Low  float64 `json:"lower_bound"`
			High float64 `json:"upper_bound"`
		} `json:"confidence_interval"`
	} `json:"median"`
}

// identity is the part of criterion's benchmark.json that is shown.
type identity struct {
	FullID     string `json:"full_id"`
	Throughput *struct {
		Elements uint64 `json:"Elements"`
	} `json:"throughput"`
}

// readCriterion collects the last results of `cargo bench` below a directory; none if there is no such directory.
// Where a bench tells how many elements an iteration has, the figures are for each element.
func readCriterion(directory string) ([]EngineResult, error) {
	var results []EngineResult
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == directory {
			return nil
		}
		if err != nil || entry.Name() != "estimates.json" || filepath.Base(filepath.Dir(path)) != "new" {
			return err
		}
		result, err := readEstimates(filepath.Dir(path))
		if err == nil {
			results = append(results, *result)
		}
		return err
	})
	slices.SortFunc(results, func(a, b EngineResult) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return results, err
}

func readEstimates(directory string) (*EngineResult, error) {
	var e estimates
	var id identity
	if err := readJSON(filepath.Join(directory, "estimates.json"), &e); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(directory, "benchmark.json"), &id); err != nil {
		return nil, err
	}
	elements := 1.0
	if id.Throughput != nil && id.Throughput.Elements > 0 {
		elements = float64(id.Throughput.Elements)
	}
	return &EngineResult{
		Name:  id.FullID,
		Nanos: e.Median.Point / elements,
		Low:   e.Median.Interval.Low / elements,
		High:  e.Median.Interval.High / elements,
	}, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
