#!/usr/bin/env bash
# Measures the engine alone, then the processor against contrib's in the same run, with and without trimming and for
# histograms, and writes docs/benchmarks.md. Takes about 20 minutes; nothing else should run meanwhile.
# BENCH_FLAGS=--quick: a minute, small sizes, writes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo bench --locked -p tokenledger --bench engine
cd compare
go run ./bench ${BENCH_FLAGS:-}
