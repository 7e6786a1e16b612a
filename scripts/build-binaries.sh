#!/usr/bin/env bash
# Builds build/otelcol-tokenledger, one static binary, and build/tokenledger. Needs the library: scripts/build-library.sh.
# For another platform: docs/image.md.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  mkdir -p build
  echo "collector: build/otelcol-tokenledger"
  # Tags and flags are those of builder-config.yaml, so that ocb would build the same.
  local tags
  tags=$(sed -n 's/^ *build_tags: "\(.*\)"$/\1/p' builder-config.yaml)
  CGO_ENABLED=1 go build -C distribution -trimpath -buildvcs=false -tags "$tags" \
    -ldflags '-s -w -linkmode external -extldflags "-static"' -o ../build/otelcol-tokenledger .
  echo "command line: build/tokenledger"
  cargo build --release --locked -p tokenledger-cli ${TARGET:+--target "$TARGET"}
  install -m 755 "${CARGO_TARGET_DIR:-target}/${TARGET:+$TARGET/}release/tokenledger" build/tokenledger
}

main "$@"
