// Command bench measures token_ledger against contrib's delta_to_cumulative, and with trimming against contrib's chain of
// three processors, in one run on one machine, and writes docs/benchmarks.md.
//
// Both processors work in processes of their own, so that the heap of one never burdens the other. The parent lets
// them work in turns (ours, contrib, ours, contrib), never at the same time, and takes medians over the turns.
//
//	go run ./bench           everything, into docs/benchmarks.md as well; some minutes, some GB of memory
//	go run ./bench --quick   small sizes, nothing is written; to see whether it works
//	go run ./bench --json    the figures as JSON on standard output
package main
