#!/usr/bin/env bash
# Checks form and generated files, stage by stage; the first stage that fails ends the run. Needs the library.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  stage "Rust: format and clippy"
  cargo fmt --all --check
  cargo clippy --locked --workspace --all-targets -- -D warnings

  stage "Go: format, vet, staticcheck"
  check_go_format
  mkdir -p build/tools
  go build -C tools -o ../build/tools/staticcheck honnef.co/go/tools/cmd/staticcheck
  for module in go-shim compare tests; do
    go vet -C "$module" ./...
    (cd "$module" && ../build/tools/staticcheck ./...)
  done
  go vet -C tests -tags image ./image
  go vet -C tools ./sbom

  stage "Generated files are up to date"
  check_generated
  scripts/generate-distribution.sh --check

  stage "Dependencies: licences and sources"
  if command -v cargo-deny >/dev/null; then
    cargo deny --offline --locked check --hide-inclusion-graph bans licenses sources
  else
    echo "left out: cargo-deny is not installed (cargo install --locked cargo-deny)"
  fi
}

stage() {
  printf '\n== %s\n' "$1"
}

check_go_format() {
  local unformatted
  unformatted=$(gofmt -l go-shim compare tests tools)
  if [[ -n $unformatted ]]; then
    printf 'not formatted (gofmt -w):\n%s\n' "$unformatted" >&2
    return 1
  fi
}

# Components with a metadata.yaml: of these mdatagen writes the code, documentation.md and the README's head.
readonly generated=(
  tokenledgerprocessor deltatocumulativeprocessor tokenledgerconnector lokiexporter prometheuslabelsprocessor
)

# Runs go generate on a copy of what it writes, so that a difference shows which file is old.
check_generated() {
  before=$(mktemp -d)
  trap 'rm -rf "$before"' EXIT
  cp -r "${generated[@]/#/go-shim/}" "$before"
  go generate -C go-shim ./...
  local component
  for component in "${generated[@]}"; do
    if ! diff -r "$before/$component" "go-shim/$component"; then
      echo "generated files were old; they are written anew, commit them" >&2
      return 1
    fi
  done
}

main "$@"
