package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	quick := flag.Bool("quick", false, "small sizes and few rounds; writes no file, and the figures are no result")
	asJSON := flag.Bool("json", false, "print the figures as JSON instead of tables")
	docs := flag.String("docs", filepath.Join("..", "docs", "benchmarks.md"), "the page to write the tables into")
	target := flag.String("criterion", filepath.Join("..", "target", "criterion"), "where cargo bench left the figures of the engine alone")
	worker := flag.String("worker", "", "internal: work for a parent process as `ours` or `contrib`")
	flag.Parse()
	var err error
	if *worker != "" {
		err = serve(*worker, os.Stdin, os.Stdout)
	} else {
		err = measure(*quick, *asJSON, *docs, *target)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure runs the plan and prints what came out.
func measure(quick, asJSON bool, docs, target string) error {
	p := fullPlan()
	if quick {
		p = quickPlan()
	}
	results, err := p.run(spawn, func(text string) { fmt.Fprintln(os.Stderr, text) })
	if err != nil {
		return err
	}
	if results.Engine, err = readCriterion(target); err != nil {
		return err
	}
	results.Machine, results.Quick = describeMachine(), quick
	results.Bars = bars(results)
	if asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(results)
	} else {
		_, err = fmt.Print(results.markdown())
	}
	if err != nil || quick {
		return err
	}
	return writeBetweenMarkers(docs, results.markdown())
}
