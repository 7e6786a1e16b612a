package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	quick := flag.Bool("quick", false, "small sizes and few rounds; writes no file, and the figures are no result")
	pricing := flag.Bool("pricing", false, "measure pricing alone, in a minute or two; prints its part of the page and writes no file")
	ledger := flag.Bool("ledger", false, "measure the ledger alone, in some minutes; prints its part of the page and writes no file")
	asJSON := flag.Bool("json", false, "print the figures as JSON instead of tables")
	docs := flag.String("docs", "", "the page to write the tables into (default docs/benchmarks.md of the repository)")
	engine := flag.String("criterion", "", "where cargo bench left the figures of the engine alone (default target/criterion)")
	worker := flag.String("worker", "", "internal: work for a parent process as `ours` or `contrib`")
	flag.Parse()
	var err error
	if *worker != "" {
		err = serve(*worker, os.Stdin, os.Stdout)
	} else {
		err = measure(choice{*quick, *ledger, *pricing, *asJSON}, places{*docs, *engine})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// places are the files that a run reads and writes.
type places struct{ docs, criterion string }

// fill sets what the user left out, from the root of the repository.
func (p *places) fill() error {
	root, err := repositoryRoot()
	if err != nil {
		return err
	}
	if p.docs == "" {
		p.docs = filepath.Join(root, "docs", "benchmarks.md")
	}
	if p.criterion == "" {
		target := os.Getenv("CARGO_TARGET_DIR")
		if target == "" {
			target = filepath.Join(root, "target")
		}
		p.criterion = filepath.Join(target, "criterion")
	}
	return nil
}

// repositoryRoot is the directory above this one that holds the description of the collector.
func repositoryRoot() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; directory != filepath.Dir(directory); directory = filepath.Dir(directory) {
		if _, err := os.Stat(filepath.Join(directory, "builder-config.yaml")); err == nil {
			return directory, nil
		}
	}
	return "", errors.New("run this inside the repository")
}

// choice says what a run measures and how it answers.
type choice struct{ quick, ledger, pricing, asJSON bool }

// measure runs the plan and prints what came out.
func measure(chosen choice, files places) error {
	if err := files.fill(); err != nil {
		return err
	}
	p := fullPlan()
	if chosen.quick {
		p = quickPlan()
	}
	if chosen.ledger || chosen.pricing {
		parts := plan{}
		if chosen.ledger {
			parts.ledger = p.ledger
		}
		if chosen.pricing {
			parts.pricing = p.pricing
		}
		p = parts
	}
	results, err := p.run(spawn, func(text string) { fmt.Fprintln(os.Stderr, text) })
	if err != nil {
		return err
	}
	if results.Engine, err = readCriterion(files.criterion); err != nil {
		return err
	}
	results.Machine, results.Quick = describeMachine(), chosen.quick
	results.Bars = bars(results)
	if chosen.asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(results)
	} else {
		_, err = fmt.Print(results.markdown())
	}
	if err != nil || chosen.quick || chosen.ledger || chosen.pricing {
		return err
	}
	return writeBetweenMarkers(files.docs, results.markdown())
}
