#!/bin/sh
# Builds one fuzz target with libFuzzer and AddressSanitizer and runs it on its corpus.
#
#   rust/fuzz/run.sh otlp_bytes                       until it is stopped
#   rust/fuzz/run.sh otlp_bytes -max_total_time=60    any libFuzzer options
#
# The corpus in the repository is read only; what a run finds is kept in build/fuzz/. Copy a file from
# there into rust/fuzz/corpus/TARGET/ to let `cargo test` run it from then on.
#
# It does what `cargo fuzz run --fuzz-dir rust/fuzz --features libfuzzer TARGET` does, with the project's
# own compiler: RUSTC_BOOTSTRAP lets a stable compiler use its sanitizers.
set -eu
cd "$(dirname "$0")/../.."

target=${1:?usage: rust/fuzz/run.sh flat_buffer|otlp_bytes|distribution|engine|ledger_blob|price_file [libFuzzer options]}
shift

triple=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"

RUSTC_BOOTSTRAP=1 \
RUSTFLAGS="--cfg fuzzing $coverage -Zsanitizer=address -Cdebug-assertions" \
CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo build --package tokenledger-fuzz --features libfuzzer --bin "$target" \
    --release --target "$triple" --target-dir target/fuzz

mkdir -p "build/fuzz/$target/corpus" "build/fuzz/$target/artifacts"
exec "target/fuzz/$triple/release/$target" "-artifact_prefix=build/fuzz/$target/artifacts/" "$@" \
    "build/fuzz/$target/corpus" "rust/fuzz/corpus/$target"
