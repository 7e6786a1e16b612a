#!/usr/bin/env bash
# The crash tests of `make test`, much longer: the collector is killed, and the power of a ledger's disk goes, as often as
# TOKENLEDGER_CRASHES says, each time at another moment. A run that fails prints TOKENLEDGER_CRASH_SEED; with that variable
# set the same choices are made again. Needs the binaries.
set -euo pipefail
cd "$(dirname "$0")/.."

export TOKENLEDGER_CRASHES=${TOKENLEDGER_CRASHES:-200}
printf '\n== Loss of power, %s times for each sync mode\n' "$TOKENLEDGER_CRASHES"
cargo test --locked -p tokenledger-storage --test failing_disk -- --nocapture
printf '\n== SIGKILL, %s times\n' "$TOKENLEDGER_CRASHES"
go test -C tests -count=1 -timeout 60m -v -run '^TestCrashes$' .
