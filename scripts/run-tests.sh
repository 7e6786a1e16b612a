#!/usr/bin/env bash
# Runs every test, stage by stage; the first stage that fails ends the run. Needs the library and the binaries.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  stage "Rust: engine, C boundary, OTLP, command line"
  cargo test --locked --workspace

  stage "C boundary under AddressSanitizer and valgrind"
  scripts/check-memory.sh

  stage "Go: collector component, with the race detector and checks of what crosses into C"
  GOEXPERIMENT=cgocheck2 go test -C go-shim -race -timeout 240s ./...

  stage "Go: collector component, built without cgo"
  CGO_ENABLED=0 go vet -C go-shim ./...
  CGO_ENABLED=0 go test -C go-shim -timeout 240s ./...

  stage "Go: random streams through the stock processor and this one"
  go test -C compare -timeout 600s ./...

  stage "The library exports tl_ functions only"
  check_exports

  stage "End to end: the built collector with recorded clients and a real Prometheus"
  go test -C tests -count=1 -timeout 30m ./...
}

stage() {
  printf '\n== %s\n' "$1"
}

check_exports() {
  local library others
  for library in go-shim/internal/engine/lib/*/libtokenledger.a; do
    others=$("${NM:-nm}" --extern-only --defined-only "$library" | awk 'NF == 3 && $3 !~ /^tl_/')
    if [[ -n $others ]]; then
      printf '%s exports more than tl_ functions:\n%s\n' "$library" "$others" >&2
      return 1
    fi
    echo "$library: $("${NM:-nm}" --extern-only --defined-only "$library" | grep -c ' tl_') functions"
  done
}

main "$@"
