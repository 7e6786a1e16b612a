#!/usr/bin/env bash
# Writes the collector's sources into distribution/ from builder-config.yaml. The result is committed, so that a build
# resolves nothing and two builds are alike.
#
#   scripts/generate-distribution.sh           write
#   scripts/generate-distribution.sh --check   write, and fail if that changed anything
set -euo pipefail
cd "$(dirname "$0")/.."

# Raised above what the collector's own modules ask for, because they parse what comes from the network. A newer version
# that the base asks for wins by itself; take a line out once the base has caught up.
raised=(
  google.golang.org/grpc@v1.85.0
  golang.org/x/net@v0.62.0
  golang.org/x/crypto@v0.58.0
)

main() {
  before=$(mktemp -d)
  trap 'rm -rf "$before"' EXIT
  [[ ! -d distribution ]] || cp -r distribution/. "$before"
  write
  if [[ ${1:-} == --check ]] && ! diff -r "$before" distribution; then
    echo "distribution: the committed sources were not those of builder-config.yaml; now they are, commit them" >&2
    return 1
  fi
}

write() {
  mkdir -p build/tools
  go build -C tools -o ../build/tools/builder go.opentelemetry.io/collector/cmd/builder
  build/tools/builder --config builder-config.yaml --skip-compilation --skip-strict-versioning=false
  go -C distribution get "${raised[@]}"
  go -C distribution mod tidy
}

main "$@"
